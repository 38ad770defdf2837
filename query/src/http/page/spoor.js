// Fills the page's lists from the API. Text from spans only ever becomes text: no markup is made of it.
"use strict";

const byId = (id) => document.getElementById(id);

function element(name, text) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  return made;
}

async function get(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  const body = await answer.json();
  const failed = (body.errors || []).find((error) => error.code);
  if (failed) throw new Error(failed.msg);
  return body;
}

function duration(us) {
  if (us < 1000) return `${us} µs`;
  if (us < 1e6) return `${(us / 1e3).toFixed(1)} ms`;
  return `${(us / 1e6).toFixed(2)} s`;
}

function row(trace) {
  const first = trace.spans.reduce((a, b) => (b.startTime < a.startTime ? b : a));
  const end = trace.spans.reduce((most, span) => Math.max(most, span.startTime + span.duration), 0);
  const link = element("a");
  link.href = `api/traces/${encodeURIComponent(trace.traceID)}?prettyPrint=true`;
  link.append(element("code", trace.traceID));
  const made = element("tr");
  const cells = [
    new Date(first.startTime / 1000).toLocaleString(),
    `${trace.processes[first.processID].serviceName}: ${first.operationName}`,
    trace.spans.length,
    duration(end - first.startTime),
  ];
  made.append(...cells.map((text) => element("td", text)), element("td"));
  made.lastChild.append(link);
  return made;
}

let shown;

async function show(service, button) {
  shown = service;
  for (const other of byId("services").querySelectorAll("button")) {
    other.setAttribute("aria-pressed", String(other === button));
  }
  try {
    const body = await get(`api/traces?limit=20&service=${encodeURIComponent(service)}`);
    if (shown !== service) return;
    byId("of").textContent = service;
    byId("traces").replaceChildren(...body.data.map(row));
    if (!body.data.length) {
      byId("traces").append(element("tr"));
      byId("traces").lastChild.append(element("td", "none in the last two days"));
    }
    byId("latest").hidden = false;
  } catch (error) {
    byId("state").textContent = `The traces could not be read: ${error.message}`;
  }
}

async function start() {
  const state = byId("state");
  try {
    const services = (await get("api/services")).data || [];
    state.textContent = services.length
      ? "Choose one to see its latest traces."
      : "None yet: no span has arrived.";
    byId("services").replaceChildren(
      ...services.map((service) => {
        const button = element("button", service);
        button.type = "button";
        button.setAttribute("aria-pressed", "false");
        button.addEventListener("click", () => show(service, button));
        const item = element("li");
        item.append(button);
        return item;
      }),
    );
  } catch (error) {
    state.textContent = `The services could not be read: ${error.message}`;
  }
}

start();
