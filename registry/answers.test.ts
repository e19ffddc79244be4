import { wordsOf } from './answers';
import { MLCUBE_ASSOCIATION } from './mlcube-records';
import { later } from './records';

describe("the server's words", () => {
  it.each<[unknown, string]>([
    [
      { name: ['taken'], non_field_errors: ['not unique', 'not valid'] },
      'HTTP 400: name: taken; not unique; not valid',
    ],
    [{ container: { name: ['taken'], non_field_errors: ['odd'] } }, 'HTTP 400: container.name: taken; container: odd'],
    [{ detail: 'Not found.' }, 'HTTP 400: Not found'],
    [null, 'HTTP 400'],
  ])('reads %j', (body, words) => {
    expect(wordsOf({ status: 400, body, location: null })).toBe(words);
  });

  it('stay short', () => {
    expect(wordsOf({ status: 400, body: { detail: 'x'.repeat(5000) }, location: null }).length).toBeLessThan(700);
  });
});

describe('rows of a history', () => {
  it('are ordered by times with and without a fraction', () => {
    const whole = { createdAt: '2025-04-17T09:30:00Z' };
    const fraction = { createdAt: '2025-04-17T09:30:00.000001Z' };
    expect(later(whole, fraction)).toBe(fraction);
    expect(later(fraction, whole)).toBe(fraction);
  });

  it('may have fields that are not known here', () => {
    const row = {
      id: 7,
      model_mlcube: 5,
      benchmark: 1,
      approval_status: 'PENDING',
      initiated_by: 3,
      approved_at: null,
    };
    const parsed = MLCUBE_ASSOCIATION.parse({ ...row, created_at: '2025-04-17T09:30:00Z', new_field: 1 });
    expect(parsed).toMatchObject({ modelUid: 5, priority: 0 });
  });
});
