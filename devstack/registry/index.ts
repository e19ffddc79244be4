export { startRegistry } from './server';
export type { RegistryOptions, RunningRegistry } from './server';
export { TUTORIAL_PASSWORD, TUTORIAL_USERS, seedTutorial } from './seed';
export type { Tutorial, TutorialBenchmark, TutorialCube } from './seed';
