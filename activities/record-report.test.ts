import { HEADLINE_ENTRIES } from '../contract';
import { headline } from './record-report';

describe('headline', () => {
  it('names numbers by their path and leaves texts out', () => {
    expect(headline({ AUC: { Edema: 0.9, note: 'x' }, Accuracy: 0.5 })).toEqual({ 'AUC.Edema': 0.9, Accuracy: 0.5 });
  });

  it('is bounded', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`m${i}`, i]));
    expect(Object.keys(headline(many))).toHaveLength(HEADLINE_ENTRIES);
    expect(headline({ ['n'.repeat(3_000_000)]: 1, AUC: 1 })).toEqual({ AUC: 1 });
  });
});
