#!/usr/bin/env node
// What prebuildify calls in place of node-gyp, as `place-addon.js rebuild …` in the package's folder:
// puts the addon that cargo has built where node-gyp would have built one.
import { copyFileSync, mkdirSync } from 'node:fs';

mkdirSync('build/Release', { recursive: true });
copyFileSync(process.env.MILLRACE_ADDON, 'build/Release/millrace.node');
