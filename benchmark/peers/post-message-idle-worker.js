import { parentPort } from 'node:worker_threads';
import { Seeing } from '../frame/idle.js';

const seeing = new Seeing();
parentPort.on('message', () => seeing.one());
