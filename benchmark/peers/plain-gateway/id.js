const EXPLICIT = /^(\d{1,16})(?:-(\d{1,16}))?$/;

/** The id to store under: the next one for `*`, else the one asked for, which must exceed the last. */
export function nextId(wanted, [lastMilliseconds, lastSequence]) {
  if (wanted === '*') {
    const now = Date.now();
    return now > lastMilliseconds ? [now, 0] : [lastMilliseconds, lastSequence + 1];
  }
  const match = EXPLICIT.exec(wanted);
  if (match === null) {
    throw refusal('ERR Invalid stream ID specified as stream command argument');
  }
  const [milliseconds, sequence] = [Number(match[1]), Number(match[2] ?? 0)];
  if (milliseconds === 0 && sequence === 0) {
    throw refusal('ERR The ID specified in XADD must be greater than 0-0');
  }
  if (
    milliseconds < lastMilliseconds ||
    (milliseconds === lastMilliseconds && sequence <= lastSequence)
  ) {
    throw refusal(
      'ERR The ID specified in XADD is equal or smaller than the target stream top item',
    );
  }
  return [milliseconds, sequence];
}

export function formatId([milliseconds, sequence]) {
  return `${milliseconds}-${sequence}`;
}

/** The 16 bytes of an id as PostgreSQL reads a `uuid`. */
export function toUuid([milliseconds, sequence]) {
  return milliseconds.toString(16).padStart(16, '0') + sequence.toString(16).padStart(16, '0');
}

function refusal(reply) {
  return Object.assign(new Error(reply), { reply });
}
