const { projects } = require('./jest.config');

const onRealParts = projects.find(({ displayName }) => displayName === 'e2e');

/** `npm run soak`: the large counts, which `npm test` leaves out. */
module.exports = {
  reporters: ['default', '<rootDir>/test/closing-line.js'],
  projects: [{ ...onRealParts, displayName: 'soak', testMatch: ['<rootDir>/test/soak/*.test.ts'] }],
};
