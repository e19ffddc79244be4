export { MedPerfPlugin } from './plugin';
export type { MedPerfPluginOptions } from './plugin';
export { DEFAULT_POLICY, readPolicy } from './policy';
export type { Policy } from './policy';
export { Registries } from './registries';
export { runWorkers } from './workers';
export type { WorkersOptions } from './workers';
export type { ContainerDependencies, ControlDependencies, MedperfActivities } from '../activities';
