#!/usr/bin/env node
// The official JavaScript client (@webex/calling, its call history) against a local Webex.
// WEBEX_ACCESS_TOKEN=… U2C_SERVICE_URL=http://127.0.0.1:PORT/u2c/api/v1 node judge.mjs [--events] [--second] [--refresh] [--strict] [--timeout SECONDS] [--verbose]
//   --events   also connect mercury, and wait for one event of each of the three kinds (recent ones without any request)
//   --second   mark and delete by plain HTTP as another device of the same user, not through the SDK
//   --strict   fail if a session differs from the documented TypeScript type (it is always reported)
//   --refresh  also refresh the device (PUT), as an ephemeral device has to
//   --timeout  seconds to wait for each kind of event (default 20)
//   --verbose  the SDK's own log to stderr
// stdout: one JSON line per step and per event, the last one {"step": "done", "ok": …}. Exit code 0 if everything was seen, else 1.
import {createRequire} from 'node:module';
import http from 'node:http';
import https from 'node:https';
import {setTimeout as sleep} from 'node:timers/promises';

const argv = process.argv.slice(2);
const flag = (name) => argv.includes(name);
const known = ['--events', '--second', '--refresh', '--strict', '--verbose', '--timeout', '--help', '-h'];
const patience = 1000 * Number(flag('--timeout') ? argv[argv.indexOf('--timeout') + 1] : 20);
const stray = argv.find((a, i) => !known.includes(a) && argv[i - 1] !== '--timeout');
const {WEBEX_ACCESS_TOKEN: token, U2C_SERVICE_URL: u2c} = process.env;
if (stray || flag('--help') || flag('-h') || !token || !u2c || !(patience > 0)) {
  process.stderr.write(`usage: WEBEX_ACCESS_TOKEN=… U2C_SERVICE_URL=… node judge.mjs [--events] [--second] [--refresh] [--strict] [--timeout SECONDS] [--verbose]${stray ? `\nunknown: ${stray}` : ''}\n`);
  process.exit(2);
}

const failures = new Map(); // what -> how often
const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const fail = (what) => { const line = String(what).split('\n')[0]; failures.set(line, (failures.get(line) || 0) + 1); };
let ending = false;
function end() {
  if (ending) return;
  ending = true;
  print({step: 'done', ok: failures.size === 0, ...(failures.size ? {failures: [...failures].map(([what, n]) => (n > 1 ? `${what} (${n} times)` : what))} : {})});
  process.stdout.write('', () => process.exit(failures.size ? 1 : 0)); // timers of the SDK would keep the process alive
}
process.on('unhandledRejection', (e) => { print({problem: 'unhandledRejection', error: String(e?.stack || e).split('\n').slice(0, 4)}); fail(`unhandled rejection: ${e?.message || e}`); });
process.on('uncaughtException', (e) => { print({problem: 'uncaughtException', error: String(e?.stack || e).split('\n').slice(0, 4)}); fail(`uncaught exception: ${e?.message || e}`); end(); });
setTimeout(() => { fail('watchdog: the whole run took too long'); end(); }, 90e3 + 4 * patience).unref();

// The SDK logs with console.*: keep stdout for our lines.
for (const level of ['log', 'info', 'warn', 'error', 'debug', 'trace']) {
  console[level] = flag('--verbose') ? (...a) => process.stderr.write(`[${level}] ${a.map((x) => (typeof x === 'string' ? x : x?.stack || tryJson(x))).join(' ')}\n`) : () => {};
}
function tryJson(x) { try { return JSON.stringify(x); } catch { return String(x); } }

// Its HTTP library (`request`) obeys HTTP_PROXY; everything here is local.
process.env.NO_PROXY = '*'; process.env.no_proxy = '*';

// --- load the SDK --------------------------------------------------------------------------------------------------------------
// webex-core first, while there is no `window` (with one, the SDK would believe that it runs in a browser).
const require = createRequire(import.meta.url);
const {default: WebexCore} = require('@webex/webex-core');
require('@webex/internal-plugin-device');
require('@webex/internal-plugin-mercury');
// The package's "main" is ES module code with extensionless imports, which Node cannot load: dist/index.js is the same API as CommonJS.
// Loading it (not running it) needs this one browser object, for @webex/internal-media-core.
globalThis.window = {navigator: {userAgent: 'node'}};
const {createCallHistoryClient, COMMON_EVENT_KEYS, SORT, SORT_BY} = require('@webex/calling/dist/index.js');
delete globalThis.window;
const version = (name) => require(`${name}/package.json`).version;

// --- steps ---
async function within(ms, what, promise) {
  const late = new AbortController();
  try {
    return await Promise.race([promise, sleep(ms, undefined, {signal: late.signal, ref: false}).then(() => { throw new Error(`${what}: nothing within ${ms / 1000} s`); })]);
  } finally { late.abort(); }
}

// Without a CallingClient the SDK turns its own HTTP failures into an unrelated TypeError (submitUploadLogsMetric): record what really went wrong.
let failedHttp = [];
const note = (method, url, status) => failedHttp.push(`${method} ${String(url).replace(/^\w+:\/\/[^/]+/, '').split('?')[0]}: ${String(status).split('\n')[0]}`);
const sdkFetch = globalThis.fetch;
globalThis.fetch = async (url, init) => {
  try {
    const r = await sdkFetch(url, init);
    if (!r.ok) note(init?.method || 'GET', url, r.status);
    return r;
  } catch (e) { note(init?.method || 'GET', url, e.cause?.code || e.message); throw e; }
};

async function step(name, action) {
  const began = Date.now();
  failedHttp = [];
  try {
    const {ok = true, value, ...summary} = (await within(30e3 + patience, name, Promise.resolve().then(action))) || {};
    print({step: name, ok, ms: Date.now() - began, ...summary, ...(failedHttp.length ? {failedHttp} : {})});
    if (!ok) fail(name);
    return value;
  } catch (e) {
    print({step: name, ok: false, ms: Date.now() - began, error: String(e?.message || e).split('\n')[0], ...(e?.statusCode !== undefined ? {statusCode: e.statusCode} : {}), ...(failedHttp.length ? {failedHttp} : {})});
    fail(`${name}: ${String(e?.message || e).split('\n')[0]}`);
    return undefined;
  }
}

// UserSession as the package's types document it; `?` optional.
const SESSION = {
  id: 'string', sessionId: 'string', disposition: 'string', startTime: 'string', endTime: 'string', url: 'string', durationSeconds: 'number',
  joinedDurationSeconds: 'number', participantCount: 'number', isDeleted: 'boolean', isPMR: 'boolean', correlationIds: 'string[]',
  links: {'locusUrl?': 'string', 'conversationUrl?': 'string', callbackAddress: 'string'},
  self: {id: 'string', 'name?': 'string', 'phoneNumber?': 'string', 'cucmDN?': 'string', 'ucmLineNumber?': 'number'},
  durationSecs: 'number',
  other: {
    'ownerId?': 'string', id: 'string', 'name?': 'string', 'sipUrl?': 'string', 'primaryDisplayString?': 'string', 'secondaryDisplayString?': 'string',
    isPrivate: 'boolean', callbackAddress: 'string', 'phoneNumber?': 'string', 'contact?': 'string', 'email?': 'string',
  },
  sessionType: 'string', direction: 'string',
  'callingSpecifics?': {redirectionDetails: {'phoneNumber?': 'string', 'sipUrl?': 'string', 'name?': 'string', reason: 'string', 'userId?': 'string', isPrivate: 'boolean'}},
};
function departures(value, type, path, found = new Set()) {
  if (typeof type === 'object') {
    if (!value || typeof value !== 'object' || Array.isArray(value)) found.add(`${path}: object, is ${kind(value)}`);
    else for (const [key, sub] of Object.entries(type)) {
      const name = key.replace('?', '');
      if (value[name] === undefined && key.endsWith('?')) continue;
      departures(value[name], sub, `${path}.${name}`, found);
    }
  } else if (type === 'string[]') {
    if (!Array.isArray(value) || value.some((x) => typeof x !== 'string')) found.add(`${path}: string[], is ${kind(value)}`);
  } else if (typeof value !== type) found.add(`${path}: ${type}, is ${kind(value)}`);
  else if (/Time$/.test(path) && Number.isNaN(Date.parse(value))) found.add(`${path}: not a date`);
  return found;
}
const kind = (v) => (v === null ? 'null' : Array.isArray(v) ? 'array' : typeof v);
function checkTypes(sessions) {
  const found = new Set();
  for (const s of sessions) departures(s, SESSION, 'session', found);
  if (found.size && flag('--strict')) fail(`types: ${[...found][0]}`);
  return found.size ? {departures: [...found].slice(0, 20)} : {};
}
const tally = (list) => list.reduce((sum, x) => ({...sum, [x]: (sum[x] || 0) + 1}), {});
const pair = ({endTime, sessionId}) => ({endTime, sessionId});

function plainHttp(method, url, headers = {}, body) {
  return new Promise((resolve, reject) => {
    const r = (url.startsWith('https:') ? https : http).request(url, {method, headers: {authorization: `Bearer ${token}`, accept: 'application/json', ...(body ? {'content-type': 'application/json'} : {}), ...headers}, timeout: 20e3}, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (d) => { text += d; }).on('error', reject).on('end', () => { let json; try { json = JSON.parse(text); } catch { /* empty */ } resolve({status: res.statusCode, json}); });
    });
    r.on('error', reject).on('timeout', () => r.destroy(new Error('timeout')));
    r.end(body ? JSON.stringify(body) : undefined);
  });
}

// --- events --------------------------------------------------------------------------------------------------------------------
const RECENT = COMMON_EVENT_KEYS.CALL_HISTORY_USER_SESSION_INFO;
const VIEWED = COMMON_EVENT_KEYS.CALL_HISTORY_USER_VIEWED_SESSIONS;
const DELETED = COMMON_EVENT_KEYS.CALL_HISTORY_USER_SESSIONS_DELETED;
const told = {[RECENT]: new Set(), [VIEWED]: new Set(), [DELETED]: new Set()}; // the session ids in the events of each kind so far
const idsOf = {
  [RECENT]: (data) => data.userSessions.userSessions.map((s) => s.sessionId),
  [VIEWED]: (data) => data.userReadSessions.userReadSessions.map((s) => s.sessionId),
  [DELETED]: (data) => data.deletedSessions,
};
let hear = () => {};
function listen(history) {
  for (const key of [RECENT, VIEWED, DELETED]) {
    history.on(key, (event) => {
      const ids = idsOf[key](event.data);
      ids.forEach((id) => told[key].add(id));
      const inner = event.data.userSessions || event.data.userReadSessions;
      const odd = ids.some((id) => typeof id !== 'string') || !event.id || typeof event.timestamp !== 'number';
      print({
        event: key, eventType: event.data.eventType, sessions: ids.length, keys: Object.keys(event), dataKeys: Object.keys(event.data), ...(inner ? {innerKeys: Object.keys(inner)} : {}),
        ...(key === RECENT ? checkTypes(event.data.userSessions.userSessions) : {}), ...(odd ? {odd: 'id, timestamp or session ids are not as documented'} : {}),
      });
      if (odd) fail(`${key}: not as documented`);
      hear();
    });
  }
}
// Resolves when the events of `key` have named all `ids` (without ids: when there was any event) or time is up, to what is missing.
async function heard(key, ids) {
  const until = Date.now() + patience;
  const missing = () => (ids ? ids.filter((id) => !told[key].has(id)).length : Number(told[key].size === 0));
  while (missing() && Date.now() < until) {
    await Promise.race([new Promise((r) => { hear = r; }), sleep(Math.min(250, until - Date.now()))]);
  }
  if (missing()) fail(`no ${key} within ${patience / 1000} s${ids ? ` (${missing()} of ${ids.length} sessions not named)` : ''}`);
  return {ok: true, event: key, seen: !missing(), ...(ids ? {expected: ids.length, missing: missing()} : {events: told[key].size})};
}

// --- the run -------------------------------------------------------------------------------------------------------------------
print({step: 'load', ok: true, node: process.version, calling: version('@webex/calling'), webexCore: version('@webex/webex-core'), u2c});

const webex = new WebexCore({credentials: {access_token: token}, config: {services: {discovery: {u2c}}}});
webex.on('request:failure', (options, reason) => note(options.method || 'GET', options.uri || `${options.service}/${options.resource}`, reason?.statusCode || reason?.message));
let pongs = 0; let gaps = 0; let unnumbered = 0; const offline = [];

async function run() {
  await step('ready', async () => {
    if (!webex.ready) await new Promise((r) => { webex.once('ready', r); });
    return {ok: webex.canAuthorize, canAuthorize: webex.canAuthorize, orgId: (() => { try { return Boolean(webex.credentials.getOrgId()); } catch (e) { return `unreadable: ${e.message}`; } })()};
  });
  const registered = await step('register', async () => {
    // Without a catalog the SDK waits forever and logs nothing.
    let given = false;
    const hopeless = async () => {
      for (let since = 0; !given; since = webex.internal.services.initFailed ? since || Date.now() : 0) {
        if (since && Date.now() - since > 5000) throw new Error('the SDK could not fetch its service catalogs, and waits on');
        await sleep(100);
      }
    };
    await Promise.race([webex.internal.device.register().finally(() => { given = true; }), hopeless()]);
    const d = webex.internal.device;
    return {ok: d.registered, value: true, deviceType: d.deviceType, callingBehavior: d.callingBehavior, entitlements: d.features.entitlement.models.map((m) => m.key), userId: Boolean(d.userId), orgId: Boolean(d.orgId), webSocketUrl: String(d.webSocketUrl).replace(/registrations\/[^/]+/, 'registrations/…'), services: Object.keys(webex.internal.services._serviceUrls || {})};
  });
  if (!registered) return;

  if (flag('--refresh')) {
    await step('refresh', async () => {
      const {url} = webex.internal.device;
      await webex.internal.device.refresh();
      return {ok: webex.internal.device.url === url, sameDevice: webex.internal.device.url === url, entitlements: webex.internal.device.features.entitlement.models.map((m) => m.key)};
    });
  }

  const history = createCallHistoryClient(webex, {level: 'error'});
  if (flag('--events')) {
    webex.internal.mercury.on('ping-pong-latency', () => { pongs += 1; });
    // A frame without a sequenceNumber after one that has it (such as a pong) is reported as a mismatch with NaN: harmless, not a gap.
    webex.internal.mercury.on('sequence-mismatch', (actual) => { if (Number.isNaN(actual)) unnumbered += 1; else gaps += 1; });
    webex.internal.mercury.on('offline', (e) => { offline.push(e?.code); });
    listen(history);
    const connected = await step('connect', async () => {
      await webex.internal.mercury.connect();
      return {ok: webex.internal.mercury.connected, value: webex.internal.mercury.connected, connected: webex.internal.mercury.connected};
    });
    if (!connected) return;
  }

  const fetchAll = async (extra = () => ({})) => {
    const r = await history.getCallHistoryData(7, 50, SORT.DESC, SORT_BY.END_TIME);
    const list = r.data?.userSessions;
    if (!list) return {ok: false, statusCode: r.statusCode, message: r.message, error: r.data?.error};
    const descending = list.every((s, i) => !i || Date.parse(list[i - 1].endTime) >= Date.parse(s.endTime));
    const more = extra(list);
    return {
      value: list, statusCode: r.statusCode, message: r.message, count: list.length, dispositions: tally(list.map((s) => s.disposition)), sessionTypes: tally(list.map((s) => s.sessionType)),
      unread: list.filter((s) => s.disposition === 'MISSED' && !s.isRead).length, lineNumbers: list.filter((s) => s.self?.ucmLineNumber !== undefined).length, descending, ...checkTypes(list), ...more,
      ok: r.statusCode === 200 && r.message === 'SUCCESS' && descending && more.ok !== false,
    };
  };
  const sessions = await step('fetch', fetchAll);
  if (!sessions) return;

  const missed = sessions.filter((s) => String(s.disposition).toUpperCase() === 'MISSED');
  const victim = sessions.findLast((s) => !missed.includes(s)) || sessions.at(-1);
  if (!missed.length || !victim) { fail('the history has no missed call: nothing to mark or delete'); return; }
  const missedIds = missed.map((s) => s.sessionId);

  const janus = String(webex.internal.services._serviceUrls.janus).replace(/\/$/, '');
  let other; // the second device
  const write = async (resource, body) => {
    const r = await plainHttp('POST', `${janus}/history/userSessions/${resource}`, {'cisco-device-url': other}, body);
    return {ok: r.status === 200, by: 'http', httpStatus: r.status, statusCode: r.json?.statusCode, keys: Object.keys(r.json || {})};
  };
  if (flag('--second')) {
    await step('register second', async () => {
      const wdm = String(webex.internal.services._serviceUrls.wdm).replace(/\/$/, '');
      const r = await plainHttp('POST', `${wdm}/devices?includeUpstreamServices=all`, {}, {name: 'judge-second', deviceType: 'WEB', model: 'judge', localizedModel: 'judge', systemName: 'judge', systemVersion: '1.0'});
      other = r.json?.url;
      return {ok: r.status < 300 && Boolean(other) && other !== webex.internal.device.url, httpStatus: r.status};
    });
  }

  await step('mark', async () => {
    if (flag('--second')) return {...(await write('setReadState', {endTimeSessionIds: missed.map((s) => ({endTime: Date.parse(s.endTime), sessionId: s.sessionId}))})), sessions: missed.length};
    const r = await history.updateMissedCalls(missed.map(pair));
    return {ok: r.statusCode === 200 && r.message === 'SUCCESS', by: 'sdk', statusCode: r.statusCode, message: r.message, ...r.data, sessions: missed.length};
  });
  if (flag('--events')) await step('viewed', () => heard(VIEWED, missedIds));
  await step('delete', async () => {
    if (flag('--second')) return {...(await write('markAsDeleted', {deleteSessionIds: [{endTime: Date.parse(victim.endTime), sessionId: victim.sessionId}]})), sessions: 1};
    const r = await history.deleteCallHistoryRecords([pair(victim)]);
    return {ok: r.statusCode === 200 && r.message === 'SUCCESS', by: 'sdk', statusCode: r.statusCode, message: r.message, ...r.data, sessions: 1};
  });
  if (flag('--events')) await step('deleted', () => heard(DELETED, [victim.sessionId]));
  await step('fetch again', () => fetchAll((list) => {
    const gone = !list.some((s) => s.sessionId === victim.sessionId);
    const left = list.filter((s) => missedIds.includes(s.sessionId));
    const markedRead = left.filter((s) => s.isRead === true).length;
    return {deletedIsGone: gone, markedRead: `${markedRead}/${left.length}`, ok: gone && markedRead === left.length};
  }));
  if (flag('--events')) {
    await step('recent', () => heard(RECENT));
    await step('socket', async () => {
      for (const until = Date.now() + patience; !pongs && Date.now() < until;) await sleep(100);
      return {ok: pongs > 0 && gaps === 0 && offline.length === 0, pongs, sequenceGaps: gaps, unnumberedFrames: unnumbered, offline};
    });
  }
  if (other) await step('unregister second', async () => { const r = await plainHttp('DELETE', other); return {ok: r.status < 300, httpStatus: r.status}; });
}

try { await run(); } catch (e) { fail(`the harness itself: ${e?.stack || e}`); }
if (flag('--events') && (webex.internal.mercury.connected || webex.internal.mercury.connecting)) await step('disconnect', async () => { await webex.internal.mercury.disconnect(); });
if (webex.internal.device.registered) await step('unregister', async () => { await webex.internal.device.unregister(); return {ok: !webex.internal.device.registered}; });
end();
