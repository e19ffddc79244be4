export { openLocalIssuer } from './local-issuer';
export type { LocalIssuer, TokenUser } from './local-issuer';
export { startRegistry } from './server';
export type { RegistryOptions, RunningRegistry } from './server';
export { TUTORIAL_PASSWORD, TUTORIAL_USERS, seedTutorial } from './seed';
export type { Tutorial, TutorialBenchmark, TutorialCube } from './seed';
export { tokenSettingsFrom } from './token-settings';
export type { TokenSettings } from './token-settings';
