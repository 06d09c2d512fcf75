import { startSending } from '../frame/one-way.js';

const url = new URL('post-message-delay-worker.js', import.meta.url);
const { worker, arrived } = await startSending(url);
worker.on('message', arrived);
