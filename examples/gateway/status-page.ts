import type { Status } from './status.js';

const PHASES = {
  starting: 'Starting',
  serving: 'Serving',
  'database-away': 'Database away',
  draining: 'Draining',
} as const;

/** The page at `/`: plain, and right without a script; it loads itself again every five seconds. */
export function statusPage(status: Status): string {
  const rows: readonly (readonly [string, string])[] = [
    ['Redis port', String(status.redisPort)],
    ['Database', status.database],
    ['Connections', count(status.connections)],
    ['Commands received', count(status.commands)],
    ['Running for', duration(Date.now() - status.startedAt)],
  ];
  const list = rows
    .map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>`)
    .join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="5">
<title>Millrace gateway: ${PHASES[status.phase]}</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 34rem; margin: 12vh auto 0; padding: 0 1.5rem; }
h1 { font-size: 1.25rem; font-weight: 600; margin: 0; }
.phase { display: flex; align-items: center; gap: .6rem; margin: 1.5rem 0; font-size: 2rem; }
.phase::before { content: ""; width: .8rem; height: .8rem; border-radius: 50%; background: #b7791f; }
.phase.serving::before { background: #2f855a; }
.phase.database-away::before { background: #c53030; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .5rem 2rem; margin: 0;
  padding: 1.25rem 0; border-top: 1px solid #8884; border-bottom: 1px solid #8884; }
dt { opacity: .7; }
dd { margin: 0; font-variant-numeric: tabular-nums; }
a { color: inherit; }
</style>
</head>
<body>
<h1>Millrace gateway</h1>
<p class="phase ${status.phase}">${PHASES[status.phase]}</p>
<dl>
${list}
</dl>
<p><a href="/metrics">Metrics</a> · <a href="/healthz">Health</a></p>
</body>
</html>
`;
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function duration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const [days, hours, minutes] = [seconds / 86_400, (seconds / 3600) % 24, (seconds / 60) % 60];
  if (days >= 1) return `${Math.floor(days)} d ${Math.floor(hours)} h`;
  if (seconds >= 3600) return `${Math.floor(hours)} h ${Math.floor(minutes)} min`;
  return seconds >= 60 ? `${Math.floor(minutes)} min ${seconds % 60} s` : `${seconds} s`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
