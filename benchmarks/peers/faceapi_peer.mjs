// face-api's 68-point network (MobileNet-like, 112 px) on TensorFlow.js with WebAssembly, one thread
// for each core it may use.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
const root = path.dirname(require.resolve('@vladmandic/face-api/package.json'));
wasm.setWasmPaths(path.join(path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist', path.sep));
wasm.setThreadsCount(os.availableParallelism());
await tf.setBackend('wasm');
await tf.ready();
const faceapi = require(path.join(root, 'dist', 'face-api.node-wasm.js'));
await faceapi.nets.faceLandmark68Net.loadFromDisk(path.join(root, 'model'));

const { count, side } = JSON.parse(fs.readFileSync(process.argv[2] + '.json'));
const bytes = fs.readFileSync(process.argv[2] + '.crops');
const crops = [...Array(count).keys()].map((i) =>
  tf.tensor3d(new Uint8Array(bytes.buffer, bytes.byteOffset + i * side * side * 3, side * side * 3), [side, side, 3], 'int32'));
const one = (i) => faceapi.nets.faceLandmark68Net.detectLandmarks(crops[i]);
const many = () => faceapi.nets.faceLandmark68Net.detectLandmarks(crops);

async function milliseconds(work) {
  for (let i = 0; i < 3; i++) await work();
  const times = [];
  const start = performance.now();
  while (performance.now() - start < 3000 || times.length < 5) {
    const before = performance.now();
    await work();
    times.push(performance.now() - before);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}

const found = await one(0);
if (found.positions.length !== 68) throw new Error('not 68 points');
let at = 0;
const ms = await milliseconds(() => one(at++ % count));
const batch = await milliseconds(many);
const memory = Number(fs.readFileSync('/proc/self/status', 'utf8').match(/VmHWM:\s+(\d+) kB/)[1]) / 1024;
console.log(JSON.stringify({ ms, faces_per_s: (1000 * count) / batch, mib: memory }));
