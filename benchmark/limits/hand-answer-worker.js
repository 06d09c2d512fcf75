import { workerData } from 'node:worker_threads';
import { RoundTrips } from '../frame/round-trips.js';
import { ANSWER, ENDED, QUESTION } from './hand-answer-layout.js';

const { words } = workerData;
const trips = new RoundTrips();

/** Sends an event, one more than its number because 0 is none, and looks until it is back. */
function roundTrip() {
  const event = trips.begin() + 1;
  Atomics.store(words, QUESTION, event);
  while (Atomics.load(words, ANSWER) !== event) {
    // both ends look again and again
  }
  return trips.end(event - 1);
}

while (roundTrip()) {
  // until all have been made
}
Atomics.store(words, QUESTION, ENDED);
