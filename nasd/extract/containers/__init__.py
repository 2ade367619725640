"""What holds files of its own: archives, mailboxes, mails with attachments."""
