from tests.unit.server.conftest import certificate, short_path, site

__all__ = ["certificate", "short_path", "site"]
