"use strict";
(() => {
  const doc = JSON.parse(document.getElementById("document").textContent);
  const schemas = (doc.components && doc.components.schemas) || {};

  // Text goes into the page as text only, never as markup.
  function el(tag, props, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(props || {})) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value);
    }
    for (const child of children.flat()) {
      if (child !== null && child !== undefined && child !== "") node.append(child);
    }
    return node;
  }

  const nameOf = (schema) => (schema && schema.$ref ? schema.$ref.split("/").pop() : null);
  const resolve = (schema) => (nameOf(schema) ? schemas[nameOf(schema)] || {} : schema || {});

  function typeOf(schema) {
    if (!schema) return "";
    if (nameOf(schema)) return el("a", { href: "#schema-" + nameOf(schema) }, nameOf(schema));
    const options = schema.anyOf || schema.oneOf || schema.allOf;
    if (options) return el("span", {}, options.flatMap((each, at) => (at ? [" | ", typeOf(each)] : [typeOf(each)])));
    if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" | ");
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.type === "array") return el("span", {}, "list of ", schema.items ? typeOf(schema.items) : "anything");
    if (schema.type === "object" && schema.additionalProperties) {
      return el("span", {}, "map of ", typeOf(schema.additionalProperties));
    }
    return [schema.type || "anything", schema.format].filter(Boolean).join(" ");
  }

  const RULES = {
    minimum: "at least ", maximum: "at most ", exclusiveMinimum: "more than ", exclusiveMaximum: "less than ",
    minLength: "length from ", maxLength: "length to ", minItems: "items from ", maxItems: "items to ",
    pattern: "matches ", multipleOf: "multiple of ",
  };
  const INT64 = [9223372036854775807, -9223372036854775808];

  function rules(schema) {
    const words = Object.entries(RULES)
      .filter(([name]) => schema[name] !== undefined && !INT64.includes(schema[name]))
      .map(([name, word]) => word + schema[name]);
    if (schema.default !== undefined) words.push("default " + JSON.stringify(schema.default));
    return words.join(", ");
  }

  function sample(schema, depth = 0) {
    const full = resolve(schema);
    if (full.examples && full.examples.length) return full.examples[0];
    if (full.default !== undefined) return full.default;
    if (full.const !== undefined) return full.const;
    if (full.enum) return full.enum[0];
    const options = full.anyOf || full.oneOf || full.allOf;
    if (options) return sample(options[0], depth + 1);
    if (depth > 4) return null;
    switch (full.type) {
      case "object":
        return Object.fromEntries(
          Object.entries(full.properties || {})
            .filter(([name]) => (full.required || []).includes(name))
            .map(([name, each]) => [name, sample(each, depth + 1)]));
      case "array": return (full.minItems || 0) > 0 || depth === 0 ? [sample(full.items || {}, depth + 1)] : [];
      case "integer": return Math.max(full.minimum > -9e15 ? full.minimum : 1, 1);
      case "number": return 1.5;
      case "boolean": return true;
      case "string":
        return { uuid: "00000000-0000-0000-0000-000000000001", date: "2024-01-31", "date-time": "2024-01-31T12:00:00Z",
                 duration: "PT30S", decimal: "9.99" }[full.format] || "text";
      default: return null;
    }
  }

  function fieldsTable(schema) {
    const full = resolve(schema);
    const required = full.required || [];
    return el("table", {}, Object.entries(full.properties || {}).map(([name, each]) =>
      el("tr", {}, el("td", {}, name, required.includes(name) ? "" : el("span", { class: "dim" }, " ?")),
        el("td", {}, typeOf(each), " ", el("span", { class: "dim" }, rules(each))),
        el("td", {}, each.description || ""))));
  }

  const quote = (text) => "'" + text.replaceAll("'", "'\\''") + "'";

  function mediaOf(op) {
    const content = (op.requestBody && op.requestBody.content) || {};
    const kind = Object.keys(content)[0];
    return kind ? { kind, ...content[kind] } : null;
  }

  function bodyText(op) {
    const media = mediaOf(op);
    if (!media) return "";
    if (media.example !== undefined) return JSON.stringify(media.example, null, 2);
    if (media["x-itemSchema"]) return JSON.stringify(sample(media["x-itemSchema"]));
    return media.schema ? JSON.stringify(sample(media.schema), null, 2) : "";
  }

  const streams = (op) =>
    Object.values(op.responses).some((each) => each.content && each.content["text/event-stream"]);

  // What the form's values make of the request: the same for curl and for fetch.
  function request(op, verb, path, values, body) {
    const headers = {};
    const query = [];
    let target = path;
    for (const parameter of op.parameters || []) {
      const value = values[parameter.name] || "";
      if (parameter.in === "path") target = target.replace("{" + parameter.name + "}", encodeURIComponent(value));
      if (value === "") continue;
      if (parameter.in === "query") {
        const many = parameter.schema && parameter.schema.type === "array";
        for (const each of many ? value.split(",") : [value]) {
          query.push(encodeURIComponent(parameter.name) + "=" + encodeURIComponent(each.trim()));
        }
      }
      if (parameter.in === "header") headers[parameter.name] = value;
    }
    if (query.length) target += "?" + query.join("&");
    const media = mediaOf(op);
    if (media && body) headers["Content-Type"] = media.kind;
    return { method: verb.toUpperCase(), target, headers, body: media && body ? body : undefined };
  }

  function curl(made, token, flags) {
    const parts = ["curl", ...flags];
    if (made.method !== "GET" && !(made.method === "POST" && made.body)) parts.push("-X", made.method);
    parts.push(quote(location.origin + made.target));
    if (token) parts.push("-H", quote("Authorization: Bearer " + token));
    for (const [name, value] of Object.entries(made.headers)) parts.push("-H", quote(name + ": " + value));
    if (made.body) parts.push("-d", quote(compact(made.body)));
    return parts.join(" ");
  }

  function compact(text) {
    try { return JSON.stringify(JSON.parse(text)); } catch { return text; }
  }

  function grpcMessage(op, values, body) {
    let message = {};
    try { message = body ? JSON.parse(body) : {}; } catch { return body; }
    const member = op.requestBody && op.requestBody["x-member"];
    if (member) message = { [member]: message };
    for (const parameter of op.parameters || []) {
      const kind = resolve(parameter.schema).type;
      const value = values[parameter.name] || "";
      if (value === "") continue;
      const key = parameter["x-member"] || parameter.name;
      message[key] = kind === "integer" || kind === "number" ? Number(value)
        : kind === "boolean" ? value === "true" : kind === "array" ? value.split(",") : value;
    }
    return JSON.stringify(message);
  }

  const bufCurl = (op, values, body, token) =>
    ["buf curl --protocol grpc --http2-prior-knowledge",
     token ? "-H " + quote("Authorization: Bearer " + token) : "",
     "-d " + quote(grpcMessage(op, values, body)),
     location.protocol + "//" + location.hostname + ":9090/" + op["x-grpc"]].filter(Boolean).join(" ");

  const tokenField = el("input", { type: "text", placeholder: "hardy token --as alice", autocomplete: "off" });

  async function send(made, out) {
    out.replaceChildren(el("pre", { class: "dim" }, "..."));
    try {
      const headers = { ...made.headers };
      if (tokenField.value) headers.Authorization = "Bearer " + tokenField.value;
      const answer = await fetch(made.target, { method: made.method, headers, body: made.body });
      const head = el("pre", answer.ok ? {} : { class: "bad" }, answer.status + " " + answer.statusText + "\n" +
        [...answer.headers].map(([name, value]) => name + ": " + value).join("\n"));
      const shown = el("pre", { class: "answer" });
      out.replaceChildren(head, shown);
      const decoder = new TextDecoder();
      let text = "";
      for (let reader = answer.body && answer.body.getReader(); reader;) {
        const { done, value } = await reader.read();
        if (done) break;
        text += decoder.decode(value, { stream: true });
        shown.textContent = text;
      }
      try { shown.textContent = JSON.stringify(JSON.parse(text), null, 2); } catch { /* no JSON: as it came */ }
    } catch (error) {
      out.replaceChildren(el("pre", { class: "bad" }, String(error)));
    }
  }

  function tryIt(op, verb, path) {
    const inputs = {};
    const body = mediaOf(op) && el("textarea", { name: "body", spellcheck: "false" });
    if (body) body.value = bodyText(op);
    const curlLine = el("pre", { class: "curl" });
    const bufLine = op["x-grpc"] && el("pre", { class: "buf" });
    const out = el("div", { class: "out" });
    const values = () => Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value]));
    const made = () => request(op, verb, path, values(), body ? body.value : "");
    const draw = () => {
      curlLine.textContent = curl(made(), tokenField.value, streams(op) ? ["-N"] : []);
      if (bufLine) bufLine.textContent = bufCurl(op, values(), body ? body.value : "", tokenField.value);
    };
    const rows = (op.parameters || []).filter((each) => each.in !== "cookie").map((parameter) => {
      const shown = parameter.in === "path" || parameter.required ? sample(parameter.schema) : "";
      const input = el("input", { name: parameter.name, autocomplete: "off", value: String(shown === null ? "" : shown) });
      inputs[parameter.name] = input;
      return el("label", {}, parameter.name, input);
    });
    const form = el("form", { oninput: draw, onsubmit: (event) => { event.preventDefault(); send(made(), out); } },
      rows, body, el("button", {}, "Send"));
    tokenField.addEventListener("input", draw);
    draw();
    return el("div", {}, el("h3", {}, "Try it"), form, out, el("h3", {}, "curl"), curlLine,
      bufLine ? [el("h3", {}, "buf curl"), bufLine] : []);
  }

  function parametersTable(op) {
    if (!op.parameters) return [];
    return [el("h3", {}, "Parameters"), el("table", {}, op.parameters.map((each) =>
      el("tr", {}, el("td", {}, each.name, each.required ? "" : el("span", { class: "dim" }, " ?")),
        el("td", {}, el("span", { class: "dim" }, each.in + " "), typeOf(each.schema), " ",
          el("span", { class: "dim" }, rules(each.schema || {}))),
        el("td", {}, each.description || ""))))];
  }

  function bodyTable(op) {
    const media = mediaOf(op);
    if (!media) return [];
    const schema = media.schema || media["x-itemSchema"];
    return [el("h3", {}, "Body"),
      el("p", {}, media.kind, " ", schema ? typeOf(schema) : "", media["x-itemSchema"] ? ", one a line" : ""),
      schema ? fieldsTable(schema) : ""];
  }

  function responsesTable(op) {
    const rows = Object.entries(op.responses).map(([status, each]) => {
      const full = each.$ref ? doc.components.responses[each.$ref.split("/").pop()] : each;
      const kinds = Object.entries(full.content || {});
      const schema = kinds.length ? kinds[0][1].schema || kinds[0][1]["x-itemSchema"] : null;
      const reasons = ((schema && schema.allOf) || []).flatMap((part) =>
        (part.properties && part.properties.reason && part.properties.reason.anyOf) || []);
      return el("tr", {}, el("td", {}, status), el("td", {}, schema ? typeOf(reasons.length ? schema.allOf[0] : schema) : ""),
        el("td", {}, el("p", {}, full.description || "")));
    });
    return [el("h3", {}, "Answers"), el("table", {}, rows)];
  }

  function operation(path, verb, op) {
    const holder = el("div", {});
    const node = el("details", { id: "operation-" + op.operationId },
      el("summary", {}, el("span", { class: "verb" }, verb.toUpperCase()), el("span", { class: "path" }, path),
        el("span", { class: "dim" }, op.summary || op.operationId)), holder);
    node.addEventListener("toggle", () => {
      if (!node.open || holder.childNodes.length) return;
      holder.append(...[
        el("p", {}, op.description || ""),
        el("p", { class: "dim" }, [op.operationId, op["x-allow"] && "allow " + op["x-allow"], op["x-grpc"] && "gRPC " + op["x-grpc"]]
          .filter(Boolean).join(" · ")),
        parametersTable(op), bodyTable(op), responsesTable(op),
        op["x-websocket"] ? websocket(path, op) : tryIt(op, verb, path),
      ].flat());
    });
    return node;
  }

  function websocket(path, op) {
    return el("div", {}, el("h3", {}, "WebSocket"),
      el("p", {}, "you send ", typeOf(op["x-websocket"].message), ", you receive ", typeOf(op["x-websocket"].reply)),
      el("pre", { class: "curl" }, "websocat " + location.origin.replace("http", "ws") + path),
      op["x-grpc"] ? el("pre", { class: "buf" }, bufCurl({ "x-grpc": op["x-grpc"] }, {}, "", tokenField.value)) : "");
  }

  function schema(name) {
    const full = schemas[name];
    return el("details", { id: "schema-" + name }, el("summary", {}, el("span", { class: "path" }, name)),
      el("div", {}, el("p", {}, full.description || ""), full.properties ? fieldsTable(full) : el("p", {}, typeOf(full)),
        full.examples ? el("pre", {}, JSON.stringify(full.examples[0], null, 2)) : ""));
  }

  const byTag = new Map((doc.tags || []).map((tag) => [tag.name, []]));
  for (const [path, item] of Object.entries(doc.paths || {})) {
    for (const [verb, op] of Object.entries(item)) {
      const tag = op.tags[0];
      if (!byTag.has(tag)) byTag.set(tag, []);
      byTag.get(tag).push(operation(path, verb, op));
    }
  }
  const secured = doc.components && doc.components.securitySchemes;
  document.body.append(el("main", {},
    el("h1", {}, doc.info.title, " ", el("span", { class: "dim" }, doc.info.version || "")),
    el("p", {}, doc.info.description || ""),
    el("p", {}, el("a", { href: "/openapi.json" }, "openapi.json")),
    secured ? el("label", {}, "token", tokenField) : "",
    [...byTag].map(([tag, operations]) => [el("h2", {}, tag), operations]).flat(2),
    el("h2", {}, "Schemas"), Object.keys(schemas).map(schema)));

  // A link to a closed part opens it.
  const open = () => {
    const node = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (node) node.open = true;
  };
  addEventListener("hashchange", open);
  open();
})();
