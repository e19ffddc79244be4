import type { AssociationSide } from '../association-rules';
import type { Change, Derivation } from '../resource';

/** A benchmark of somebody whom the deployment trusts is approved as it is made; when, is not noted. */
export const autoApprovedSubmitter: Derivation = async ({ caller: { sql, user, settings }, existing }) => {
  if (existing !== null || settings.autoApproveBenchmarksFrom.length === 0) return {};
  const [submitter] = await sql.query('select email from users where id = $1', [user.id]);
  return settings.autoApproveBenchmarksFrom.includes(String(submitter?.email)) ? { approval_status: 'APPROVED' } : {};
};

/**
 * Whether a request needs nobody's approval: one person owns both, or the benchmark's policy lets the component's owner in.
 * What the benchmark's owner himself asks for is not his policy's, but the component owner's to decide.
 * @param policy whose mode and list of the benchmark's are meant.
 */
export function agreedBeforehand(
  { column }: AssociationSide,
  components: string,
  policy: 'model' | 'dataset',
): (change: Change) => Promise<boolean> {
  const text = `select component.owner as owner, benchmarks.owner as benchmark_owner, users.email,
      ${policy}_auto_approval_mode as mode, ${policy}_auto_approval_allow_list as allowed
    from ${components} component join users on users.id = component.owner, benchmarks
    where component.id = $1 and benchmarks.id = $2`;
  return async ({ caller, values }) => {
    const [row] = await caller.sql.query(text, [values[column], values.benchmark]);
    if (row === undefined) return false;
    if (row.owner === row.benchmark_owner) return true;
    if (caller.user.id === row.benchmark_owner || row.mode === 'NEVER') return false;
    return row.mode === 'ALWAYS' || (Array.isArray(row.allowed) && row.allowed.includes(row.email));
  };
}
