import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release } from 'node:os';
import { dirname } from 'node:path';
import { commandLine } from './frame/command-line.js';
import { runSuite } from './frame/experiment.js';
import { plot } from './frame/plot.js';
import { table } from './frame/table.js';
import { echo } from './suites/echo.js';
import { gateway } from './suites/gateway.js';
import { ring } from './suites/ring.js';
import { ringIdle } from './suites/ring-idle.js';
import { ringJs } from './suites/ring-js.js';
import { ringLatency } from './suites/ring-latency.js';

const SUITES = new Map(
  [echo, ring, ringJs, ringLatency, ringIdle, gateway].map((suite) => [suite.name, suite]),
);

async function main(argv) {
  const options = commandLine(argv, [...SUITES.keys()]);
  const made = { rows: [], curves: [], errors: [] };
  for (const name of options.suites) {
    const { rows, curves, errors } = await runSuite(SUITES.get(name), options, (line) => {
      process.stderr.write(`${line}\n`);
    });
    made.rows.push(...rows);
    made.curves.push(...curves);
    made.errors.push(...errors);
  }
  process.stdout.write(`${table(made.rows)}\n`);
  const ran = { command: commandOf(argv), machine: machine() };
  if (options.json !== null) {
    await write(options.json, `${JSON.stringify({ ...ran, rows: made.rows }, null, 2)}\n`);
  }
  if (options.plot !== null) {
    await write(options.plot, await plot({ ...ran, rows: made.rows, curves: made.curves }));
  }
  return made.errors.length === 0 ? 0 : 1;
}

async function write(file, text) {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

function commandOf(argv) {
  return `npm run bench -- ${argv.join(' ')}`;
}

function machine() {
  return {
    cores: cpus().length,
    processor: cpus()[0].model,
    system: `${process.platform} ${release().split('.', 2).join('.')} ${process.arch}`,
    node: process.version,
  };
}

// Only an exit, not a signal's default, ends the children and removes their directories.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    process.stderr.write(`${error instanceof TypeError ? error.message : error.stack}\n`);
    process.exitCode = 1;
  },
);
