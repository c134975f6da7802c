"use strict";
// The dashboard: reads the JSON API again and again. Whatever comes from a job is shown as text only.

const PAUSE_MS = 2000;
const STATES = ["BLOCKED", "SCHEDULED", "READY", "RUNNING", "SUCCEEDED", "FAILED"];
const FINAL = ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"];
const byId = (id) => document.getElementById(id);
let pageToken = "";
let openJob = null;   // {id, events}

// ---- the API ----

function headers(more) {
  const token = sessionStorage.getItem("token");
  return token ? {...more, Authorization: "Bearer " + token} : more || {};
}

async function call(method, path, body) {
  const options = {method, headers: headers(body && {"Content-Type": "application/json"})};
  if (body) options.body = JSON.stringify(body);
  const answer = await fetch(path, options);
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.detail || content.title || answer.statusText);
  return content;
}

const get = (path) => call("GET", path);

function trouble(error) {
  byId("trouble").hidden = !error;
  byId("trouble").textContent = error ? String(error.message || error) : "";
}

// ---- tables ----

function cell(row, text, name) {
  const made = row.insertCell();
  made.textContent = text === undefined ? "" : String(text);
  if (name) made.className = name;
  return made;
}

function fill(table, items, write) {
  const body = document.createElement("tbody");
  for (const item of items || []) write(body.insertRow(), item);
  byId(table).tBodies[0].replaceWith(body);
}

function act(row, label, action) {
  const button = document.createElement("button");
  button.textContent = label;
  button.addEventListener("click", (event) => {
    event.stopPropagation();
    action().then(refresh, trouble);
  });
  row.insertCell().append(button);
}

function writeQueue(row, queue) {
  cell(row, queue.name + (queue.paused ? " (paused)" : ""));
  for (const state of STATES) cell(row, (queue.depth || {})[state] || 0, "number " + state);
  const verb = queue.paused ? "resume" : "pause";
  act(row, verb, () => call("POST", `v1/queues/${encodeURIComponent(queue.name)}:${verb}`, {}));
}

function writeWorker(row, worker) {
  cell(row, worker.id.slice(0, 8));
  cell(row, worker.host + (worker.pid ? ":" + worker.pid : ""));
  cell(row, worker.running || 0, "number");
  cell(row, worker.concurrency || 0, "number");
  cell(row, (worker.queues || ["all"]).join(" "));
  cell(row, (worker.kinds || ["all"]).join(" "));
  cell(row, time(worker.heartbeatTime));
}

function writeJob(row, job) {
  const id = row.insertCell();
  const code = document.createElement("code");
  code.textContent = job.id;
  id.append(code);
  cell(row, job.queue || "default");
  cell(row, job.kind || (job.http ? "http" : job.exec ? "exec" : ""));
  cell(row, job.state, job.state);
  cell(row, job.attempt || 0, "number");
  cell(row, time(job.createTime));
  row.className = "link";
  row.tabIndex = 0;
  row.addEventListener("click", () => show(job.id));
  row.addEventListener("keydown", (event) => event.key === "Enter" && show(job.id));
}

const time = (text) => (text ? new Date(text).toLocaleString() : "");

// ---- everything again ----

function jobsPath() {
  const query = new URLSearchParams({pageSize: "50"});
  for (const name of ["state", "queue", "kind"]) {
    const value = byId(name).value.trim();
    if (value) query.set(name, value);
  }
  if (pageToken) query.set("pageToken", pageToken);
  return "v1/jobs?" + query;
}

let nextPage = "";

async function refresh() {
  const [info, queues, workers, jobs] = await Promise.all([
    get("v1/server"), get("v1/queues"), get("v1/workers").catch(() => ({})), get(jobsPath()),
  ]);
  byId("server").textContent = `${info.version} · ${info.health}`;
  fill("queues", queues.queues, writeQueue);
  fill("workers", workers.workers, writeWorker);
  fill("jobs", jobs.jobs, writeJob);
  nextPage = jobs.nextPageToken || "";
  byId("more").hidden = !nextPage;
  byId("newest").hidden = !pageToken;
  if (openJob && !openJob.events) await readJob();
}

async function forever() {
  for (;;) {
    try {
      if (!document.hidden) {
        await refresh();
        trouble(null);
      }
    } catch (error) {
      trouble(error);
    }
    await new Promise((wake) => setTimeout(wake, PAUSE_MS));
  }
}

const soon = () => refresh().then(() => trouble(null), trouble);

// ---- one job ----

function writeDetails(job) {
  byId("job-title").textContent = job.id;
  byId("job-state").textContent = job.state;
  byId("job-state").className = job.state;
  const progress = job.progress || {};
  byId("job-progress").hidden = !progress.total || FINAL.includes(job.state);
  byId("job-progress").max = Number(progress.total || 1);
  byId("job-progress").value = Number(progress.done || 0);
  byId("job-message").textContent = progress.message || (job.error && job.error.message) || "";
  byId("job-cancel").hidden = FINAL.includes(job.state);
  byId("job-retry").hidden = !["FAILED", "CANCELLED", "EXPIRED"].includes(job.state);
  byId("job-text").textContent = JSON.stringify(job, null, 2);
  byId("details").hidden = false;
}

async function readJob() {
  const id = openJob.id;
  const job = await get(`v1/jobs/${encodeURIComponent(id)}?view=FULL`);
  if (openJob && openJob.id === id) writeDetails(job);
}

// An EventSource can not carry a token: with one, the job is read again like all the rest.
function follow() {
  if (sessionStorage.getItem("token")) return null;
  const events = new EventSource(`v1/jobs/${encodeURIComponent(openJob.id)}/events`);
  for (const name of ["state", "progress"]) {
    events.addEventListener(name, () => readJob().catch(trouble));
  }
  events.onerror = () => {
    if (openJob && openJob.events === events) openJob.events = null;
    events.close();
  };
  return events;
}

function show(id) {
  hide();
  openJob = {id, events: null};
  openJob.events = follow();
  readJob().catch(trouble);
}

function hide() {
  if (openJob && openJob.events) openJob.events.close();
  openJob = null;
  byId("details").hidden = true;
}

function change(verb) {
  const path = `v1/jobs/${encodeURIComponent(openJob.id)}:${verb}`;
  call("POST", path, {}).then(() => openJob && show(openJob.id)).then(soon, trouble);
}

// ---- start ----

byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", byId("token").value);
  byId("token").value = "";
  soon();
});
byId("filter").addEventListener("input", () => { pageToken = ""; soon(); });
byId("filter").addEventListener("submit", (event) => event.preventDefault());
byId("more").addEventListener("click", () => { pageToken = nextPage; soon(); });
byId("newest").addEventListener("click", () => { pageToken = ""; soon(); });
byId("close").addEventListener("click", hide);
byId("job-cancel").addEventListener("click", () => change("cancel"));
byId("job-retry").addEventListener("click", () => change("retry"));
forever();
