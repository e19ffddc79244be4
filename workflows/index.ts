export {
  medperfAssociate,
  medperfHost,
  medperfOnboard,
  medperfPackage,
  medperfSubmit,
  medperfTestRun,
} from './workflows';
export { confirmUpdate } from './associate-stage';
export { progressQuery } from './progress-recorder';
