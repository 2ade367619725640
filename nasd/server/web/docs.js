"use strict";

function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

// A schema with its references put in place; a model that holds itself is named only.
function shape(schema, models, above = []) {
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return above.includes(name) ? name : shape(models[name], models, [...above, name]);
  }
  const choices = schema.anyOf || schema.oneOf;
  if (choices) {
    const shapes = choices.map((one) => shape(one, models, above));
    const plain = shapes.filter((one) => typeof one === "string");
    return plain.length === shapes.length ? plain.join(" | ") : shapes.find((one) => typeof one !== "string");
  }
  if (schema.allOf && schema.allOf.length === 1) return shape(schema.allOf[0], models, above);
  if (schema.enum) return schema.enum.join(" | ");
  if ("const" in schema) return String(schema.const);
  if (schema.properties) {
    return Object.fromEntries(
      Object.entries(schema.properties).map(([name, one]) => [name, shape(one, models, above)]),
    );
  }
  if (schema.type === "array") {
    return schema.prefixItems
      ? schema.prefixItems.map((one) => shape(one, models, above))
      : [schema.items ? shape(schema.items, models, above) : "any"];
  }
  if (schema.type === "object") {
    const values = schema.additionalProperties;
    return { "…": values && values !== true ? shape(values, models, above) : "any" };
  }
  return [schema.format || schema.type || "any"].flat().join(" | ");
}

function block(title, content, models) {
  return Object.entries(content || {}).map(([media, { schema }]) => {
    const known = schema && Object.keys(schema).length > 0;
    const text = known ? JSON.stringify(shape(schema, models), null, 2) : "bytes";
    return make("div", "", make("h3", "", `${title} · ${media}`), make("pre", "", text));
  });
}

function parameters(list) {
  if (!list || list.length === 0) return null;
  const rows = list.map((one) => make(
    "tr", "",
    make("td", "", make("code", "", one.name)),
    make("td", "", `${one.in}${one.required ? ", required" : ""}`),
    make("td", "", one.description || JSON.stringify(shape(one.schema, {}))),
  ));
  return make("table", "", make("tbody", "", ...rows));
}

function operation(path, method, what, models) {
  const replies = Object.entries(what.responses)
    .filter(([status]) => status !== "default")
    .flatMap(([status, reply]) => {
      const blocks = block(`${status} ${reply.description}`, reply.content, models);
      return blocks.length ? blocks : [make("h3", "", `${status} ${reply.description}`)];
    });
  const card = make(
    "article", "",
    make("header", "", make("span", "method", method.toUpperCase()), make("code", "", path)),
    make("div", "where", what.summary),
  );
  const inside = make("details", "", make("summary", "", what.description || "Open to all."));
  const table = parameters(what.parameters);
  if (table) inside.append(table);
  inside.append(...block("Body", what.requestBody && what.requestBody.content, models), ...replies);
  card.append(inside);
  return card;
}

async function show() {
  const note = document.getElementById("note");
  note.textContent = "…";
  const api = await (await fetch("/openapi.json")).json();
  for (const paragraph of api.info.description.split("\n\n")) {
    document.getElementById("intro").append(make("p", "", paragraph));
  }
  const groups = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, what] of Object.entries(methods)) {
      const tag = what.tags[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(path, method, what, api.components.schemas));
    }
  }
  for (const [tag, cards] of groups) {
    document.getElementById("operations").append(make("h2", "", tag), ...cards);
  }
  note.textContent = api.info.version ? `nasd ${api.info.version}, OpenAPI ${api.openapi}` : "";
}

show().catch((error) => {
  const note = document.getElementById("note");
  note.textContent = error.message;
  note.classList.add("bad");
});
