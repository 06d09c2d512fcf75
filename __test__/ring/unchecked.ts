/** Moves events through rings of each kind as an application does, without `MILLRACE_CHECK`, and prints what came. */
delete process.env.MILLRACE_CHECK;
const { ByteRing, Ring } = await import('millrace');

const fields = { n: 'u32', double: 'f64', name: 'utf8(8)' } as const;
const seen: unknown[] = [];
for (const producers of ['single', 'multi'] as const) {
  const ring = Ring.create({ fields, stages: { read: {} }, capacity: 4, producers });
  const out = ring.producer();
  const read = ring.consumer('read');
  let sum = 0;
  for (let n = 0; n < 1000; n++) {
    out.tryPublish((event, n) => {
      event.n = n;
      event.double = n / 2;
      event.name = `${n}`;
    }, n);
    out.flush();
    for (const event of read.poll() ?? []) sum += event.n + event.double + Number(event.name);
  }
  seen.push(sum);
  ring.detach();
  const records = ByteRing.create({
    header: { n: 'u32' },
    stages: { read: {} },
    capacity: 4096,
    producers,
  });
  const bytes = records.producer();
  const reader = records.consumer('read');
  let length = 0;
  for (let n = 0; n < 1000; n++) {
    bytes.tryPublish('x'.repeat(n), (header) => {
      header.n = n;
    });
    bytes.flush();
    for (const record of reader.poll() ?? []) length += record.n + record.bytes.length;
  }
  seen.push(length);
  records.detach();
}
console.log(JSON.stringify(seen));
