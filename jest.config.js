/** Three kinds of tests; `npm test` runs all, `npm run test:pure` the ones that take seconds. */
const shared = {
  rootDir: __dirname,
  testEnvironment: 'node',
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2023', parser: { syntax: 'typescript' } } }],
    // Only as ECMAScript modules, which Node.js itself can require.
    'node_modules/jose/.+\\.js$': ['@swc/jest', { jsc: { target: 'es2023' }, module: { type: 'commonjs' } }],
  },
  transformIgnorePatterns: ['/node_modules/(?!jose/)'],
  modulePathIgnorePatterns: ['<rootDir>/lib/'],
};
const onRealParts = { ...shared, globalSetup: '<rootDir>/test/machine-setup.ts' };

module.exports = {
  reporters: ['default', '<rootDir>/test/closing-line.js'],
  // The integration and end-to-end tests share one Docker daemon and two cores.
  maxWorkers: 2,
  // Jest reads it here only, not in a project. Long enough for a container on a busy machine.
  testTimeout: 180_000,
  projects: [
    {
      ...shared,
      displayName: 'pure',
      testMatch: ['<rootDir>/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '/test/soak/', '\\.(integration|e2e)\\.test\\.ts$'],
    },
    { ...onRealParts, displayName: 'integration', testMatch: ['<rootDir>/test/**/*.integration.test.ts'] },
    { ...onRealParts, displayName: 'e2e', testMatch: ['<rootDir>/test/**/*.e2e.test.ts'] },
  ],
};
