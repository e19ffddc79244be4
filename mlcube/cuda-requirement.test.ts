import { judgeCuda } from './cuda-requirement';

const OFFICIAL = 'cuda>=12.4 brand=tesla,driver>=470,driver<471 brand=unknown,driver>=535,driver<536';

describe('judgeCuda', () => {
  it.each([
    ['nothing said', {}, '470.10', null],
    ['new enough', { NVIDIA_REQUIRE_CUDA: 'cuda>=12.4' }, '550.54.15', true],
    ['newer than any known', { NVIDIA_REQUIRE_CUDA: 'cuda>=12.4' }, '999.1', true],
    ['too old', { NVIDIA_REQUIRE_CUDA: 'cuda>=12.4' }, '545.23.08', false],
    ['too old, but perhaps of a brand that may', { NVIDIA_REQUIRE_CUDA: OFFICIAL }, '470.82.01', null],
    ['too old, and of no driver that may', { NVIDIA_REQUIRE_CUDA: OFFICIAL }, '510.39', false],
    ['two conditions', { NVIDIA_REQUIRE_CUDA: 'cuda>=11.0,driver>=500' }, '470.42', false],
    ['an upper bound', { NVIDIA_REQUIRE_CUDA: 'driver<500' }, '470.42', true],
    ['an unequal one', { NVIDIA_REQUIRE_CUDA: 'driver!=470.42' }, '470.42', false],
    ['an equal one', { NVIDIA_REQUIRE_CUDA: 'driver=470.42' }, '470.42.0', true],
    ['something unreadable', { NVIDIA_REQUIRE_CUDA: 'cuda~12' }, '470.42', null],
    ['switched off', { NVIDIA_REQUIRE_CUDA: 'cuda>=12.4', NVIDIA_DISABLE_REQUIRE: '1' }, '470.42', null],
    ['a driver older than the table', { NVIDIA_REQUIRE_CUDA: 'cuda>=9.0' }, '390.1', null],
    ['only a version, older driver of the same major', { CUDA_VERSION: '12.6.1' }, '525.60.13', true],
    ['only a version, driver of the major before', { CUDA_VERSION: '12.6.1' }, '520.61', false],
    ['a version of no known major', { CUDA_VERSION: '99.0' }, '520.61', null],
    ['a version that is none', { CUDA_VERSION: 'latest' }, '520.61', null],
  ])('%s', (_, environment, driver, fits) => {
    expect(judgeCuda(environment, driver).fits).toBe(fits);
  });

  it('says what is needed', () => {
    const words = 'CUDA 12.4 (driver 550.54 or newer)';
    expect(judgeCuda({ NVIDIA_REQUIRE_CUDA: 'cuda>=12.4' }, '470.42')).toEqual({ fits: false, needs: words });
    expect(judgeCuda({ CUDA_VERSION: '12.9.0' }, '470.42')).toMatchObject({
      needs: 'CUDA 12.0 (driver 525.60 or newer)',
    });
  });
});
