import { workerData } from 'node:worker_threads';
import { Ring } from 'millrace';
import { RoundTrips } from '../frame/round-trips.js';
import { events } from './ring-events.js';

const trips = new RoundTrips();
const out = Ring.attach(workerData.there, events).producer();
const answered = Ring.attach(workerData.back, events).consumer('sum');

function write(event, id) {
  event.id = id;
  event.qty = 0;
}

function ask() {
  out.tryPublish(write, trips.begin());
  out.flush();
}

ask();
answered.run((event) => {
  if (trips.end(event.id)) {
    ask();
  }
});
