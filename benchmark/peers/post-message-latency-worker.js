import { parentPort } from 'node:worker_threads';
import { RoundTrips } from '../frame/round-trips.js';

const trips = new RoundTrips();

parentPort.on('message', (event) => {
  if (trips.end(event)) {
    parentPort.postMessage(trips.begin());
  }
});
parentPort.postMessage(trips.begin());
