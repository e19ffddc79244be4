export { startRegistry } from './server';
export type { RegistryOptions, RunningRegistry } from './server';
export { exampleTutorial } from './example-tutorial';
export { DIALECT_NAMES } from './dialect';
export type { DialectName } from './dialect';
export { openLocalIssuer } from './local-issuer';
export type { LocalIssuer, TokenUser } from './local-issuer';
export { tokenSettingsFrom } from './token-settings';
export type { TokenSettings } from './token-settings';
export { TUTORIAL_PASSWORD } from './tutorial';
export { TOKEN_USERS, TUTORIAL_USERS, seedTutorial } from './seed';
export type { TutorialUser } from './seed';
export type {
  ContainerTutorial,
  CubeTutorial,
  Tutorial,
  TutorialBenchmark,
  TutorialContainer,
  TutorialCube,
} from './tutorial';
