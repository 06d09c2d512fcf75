/** Tests are compiled first (`npm run build`): jest runs what stands in build/__test__. */
export default {
  roots: ['<rootDir>/build/__test__'],
  testMatch: ['**/*.test.js'],
  transform: {},
  testEnvironment: 'node',
  // Half the cores: many tests start threads and processes of their own, and wait for them.
  maxWorkers: '50%',
  // Setting a limit makes jest use a worker process even for one worker, so that a crash of native
  // code fails the test that caused it and not the whole run.
  workerIdleMemoryLimit: '2GB',
  testTimeout: 30_000,
};
