// `npm audit` for a folder; a registry that does not answer audits is a line, not a failure.
import { spawnSync } from 'node:child_process';

const [folder = '.'] = process.argv.slice(2);
const npm = process.env.npm_execpath;
const args = ['audit', '--json', '--audit-level=high'];
const { stdout, status } = npm
  ? spawnSync(process.execPath, [npm, ...args], { cwd: folder, encoding: 'utf8' })
  : spawnSync('npm', args, { cwd: folder, encoding: 'utf8', shell: process.platform === 'win32' });

const report = parse(stdout);
if (!report?.metadata) {
  console.log(`npm audit (${folder}): not done, the registry does not answer audits`);
} else {
  for (const { name, severity, range } of Object.values(report.vulnerabilities)) {
    console.log(`npm audit (${folder}): ${severity}: ${name} ${range}`);
  }
  process.exitCode = status;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
