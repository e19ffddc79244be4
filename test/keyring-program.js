/** `node keyring-program.js DIRECTORY`: signs in and out with the system's keyring; writes what it saw as JSON. */
const { openProfiles } = require('../lib/registry');

async function main(directory) {
  const place = { name: 'default', server: 'https://h.example', username: 'ada', credentialStore: 'keyring' };
  const profiles = openProfiles(directory);
  await profiles.save({ ...place, credentials: { kind: 'password', token: 'secret-word' } });
  const signedIn = await openProfiles(directory).authorization('default')();
  await profiles.forget('default');
  const signedOut = await profiles.get('default').catch((error) => error.facts.what);
  console.log(JSON.stringify({ signedIn, signedOut }));
}

main(process.argv[2]).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
