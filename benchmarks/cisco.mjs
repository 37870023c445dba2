// The side of Cisco's JavaScript client (@webex/calling): a line of JSON in, a line of JSON out, as benchmarks/side.py has it.
//   WEBEX_ACCESS_TOKEN=… U2C_SERVICE_URL=… node cisco.mjs FOLDER      FOLDER: where its package.json and node_modules are
// The orders have the names and arguments of benchmarks/plain.py; the user and the address come from the environment.
import {createRequire} from 'node:module';
import path from 'node:path';
import readline from 'node:readline';

const LONGEST = 120e3; // milliseconds for the events of one run
const {WEBEX_ACCESS_TOKEN: token, U2C_SERVICE_URL: u2c} = process.env;
const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

// The SDK logs with console.*: keep stdout for our lines.
for (const level of ['log', 'info', 'warn', 'error', 'debug', 'trace']) console[level] = () => {};
process.env.NO_PROXY = '*'; process.env.no_proxy = '*';
process.on('unhandledRejection', (error) => { process.stderr.write(`cisco.mjs: ${error?.stack || error}\n`); process.exit(1); });

// It is loaded as tests/javascript/judge.mjs does, which says why.
const require = createRequire(path.join(path.resolve(process.argv[2]), 'package.json'));
const {default: WebexCore} = require('@webex/webex-core');
require('@webex/internal-plugin-device');
require('@webex/internal-plugin-mercury');
globalThis.window = {navigator: {userAgent: 'node'}};
const {createCallHistoryClient, COMMON_EVENT_KEYS, SORT, SORT_BY} = require('@webex/calling/dist/index.js');
delete globalThis.window;

const webex = new WebexCore({credentials: {access_token: token}, config: {services: {discovery: {u2c}}}});
if (!webex.ready) await new Promise((resolve) => { webex.once('ready', resolve); });
await webex.internal.device.register();
const history = createCallHistoryClient(webex, {level: 'error'});

async function page(limit) {
  const response = await history.getCallHistoryData(7, limit, SORT.DESC, SORT_BY.END_TIME);
  if (response.statusCode !== 200 || response.data.userSessions.length !== limit) throw new Error(`a fetch failed: ${response.statusCode}`);
  return response.data.userSessions;
}

let hear = () => {};
history.on(COMMON_EVENT_KEYS.CALL_HISTORY_USER_SESSION_INFO, (event) => hear(event.data.userSessions.userSessions[0]));
let taken; // a promise: the seconds from the first event to the last, and those of processors
let kept = [];

const orders = {
  version: async () => ({node: process.version, calling: require('@webex/calling/package.json').version}),
  fetched_values: ({limit}) => page(limit),
  async fetch({limit, repeat}) {
    const times = [];
    for (let n = 0; n < repeat; n += 1) {
      const began = performance.now();
      await page(limit);
      times.push(performance.now() - began);
    }
    times.sort((a, b) => a - b);
    const middle = times.length >> 1;
    return (times.length % 2 ? times[middle] : (times[middle - 1] + times[middle]) / 2) / 1e3;
  },
  async connect({count, keep}) {
    const ids = [];
    let began; let used;
    kept = [];
    taken = new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`only ${ids.length} of ${count} events have arrived`)), LONGEST);
      hear = (session) => {
        if (keep) kept.push(session);
        ids.push(session.sessionId);
        if (ids.length === 1) { began = performance.now(); used = process.cpuUsage(); }
        if (ids.length === count) {
          const seconds = (performance.now() - began) / 1e3;
          const {user, system} = process.cpuUsage(used);
          clearTimeout(late);
          if (new Set(ids).size === count) resolve([seconds, (user + system) / 1e6]); else reject(new Error('an event was delivered twice'));
        }
      };
    });
    // It stays connected for all runs: it becomes slower with each new connection of a process.
    if (!webex.internal.mercury.connected) await webex.internal.mercury.connect();
    return null;
  },
  receive: () => taken,
  heard: async () => kept,
  disconnect: async () => null,
};

for await (const line of readline.createInterface({input: process.stdin})) {
  const [order, given] = JSON.parse(line);
  answer(await orders[order](given));
}
process.exit(0);
