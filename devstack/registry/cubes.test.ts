import { cubeFields } from '../../test/registry-fixtures';
import { TIME, get, newCube, post, put, startsSeeded } from '../../test/registry-under-test';
import { exampleTutorial } from './example-tutorial';

const parties = startsSeeded();
const REFERENCE = exampleTutorial('E25').referenceModel;

describe('cubes', () => {
  it('answers a minimal POST with every field', async () => {
    const fields = cubeFields('lung_cnn', { name: '  lung_cnn ', unknown: 1 });
    const reply = await post('/mlcubes/', fields);
    expect(reply.status).toBe(201);
    const cube = reply.body as { id: number; created_at: string; modified_at: string };
    expect(cube).toEqual({
      id: 5,
      name: 'lung_cnn',
      git_mlcube_url: 'https://h.example/mlcube.yaml',
      mlcube_hash: fields.mlcube_hash,
      git_parameters_url: '',
      parameters_hash: '',
      image_tarball_url: '',
      image_tarball_hash: '',
      image_hash: fields.image_hash,
      additional_files_tarball_url: '',
      additional_files_tarball_hash: '',
      state: 'DEVELOPMENT',
      is_valid: true,
      metadata: {},
      user_metadata: {},
      created_at: expect.stringMatching(TIME) as unknown,
      modified_at: expect.stringMatching(TIME) as unknown,
      owner: 4,
    });
    expect(cube.modified_at > cube.created_at).toBe(true);
    expect((await get(`/mlcubes/${cube.id}/`)).body).toEqual(cube);
  });

  const required = ['This field is required.'];
  it.each<[string, unknown, unknown]>([
    [
      'nothing at all',
      {},
      {
        name: required,
        git_mlcube_url: required,
        mlcube_hash: required,
        parameters_hash: required,
        image_tarball_hash: required,
        image_hash: required,
        additional_files_tarball_hash: required,
      },
    ],
    [
      'wrong values in many fields',
      cubeFields('x'.repeat(21), {
        mlcube_hash: ' ',
        git_mlcube_url: null,
        state: 'FOO',
        is_valid: 'perhaps',
        image_hash: true,
      }),
      {
        name: ['Ensure this field has no more than 20 characters.'],
        mlcube_hash: ['This field may not be blank.'],
        git_mlcube_url: ['This field may not be null.'],
        state: ['"FOO" is not a valid choice.'],
        is_valid: ['Must be a valid boolean.'],
        image_hash: ['Not a valid string.'],
      },
    ],
    ['a name that is taken', cubeFields('chestxray_cnn'), { name: ['ml cube with this name already exists.'] }],
    [
      'files that are registered',
      cubeFields('copy', { mlcube_hash: REFERENCE.manifestHash, image_hash: REFERENCE.imageHash }),
      {
        non_field_errors: [
          'The fields image_tarball_hash, image_hash, additional_files_tarball_hash, mlcube_hash, parameters_hash must make a unique set.',
        ],
      },
    ],
  ])('refuses %s', async (_what, body, messages) => {
    const reply = await post('/mlcubes/', body);
    expect([reply.status, reply.body]).toEqual([400, messages]);
  });

  const url = 'https://h.example/file';
  it.each<[string, object, RegExp]>([
    ['parameters without their hash', { git_parameters_url: url }, /^Parameters require/],
    ['a parameters hash without URL', { parameters_hash: 'a' }, /^Paramters .*URL/],
    ['additional files without their hash', { additional_files_tarball_url: url }, /^Additional files require/],
    ['an additional files hash without URL', { additional_files_tarball_hash: 'a' }, /^Additional files .*URL/],
    ['no image', { image_hash: '' }, /must be provided/],
    ['two images', { image_tarball_url: url, image_tarball_hash: 'a' }, /can't both be provided/],
    ['an image tarball without its hash', { image_tarball_url: url }, /^Image tarball require/],
    ['an image tarball hash without URL', { image_hash: '', image_tarball_hash: 'a' }, /without a URL/],
  ])('refuses %s', async (_what, changes, message) => {
    const reply = await post('/mlcubes/', cubeFields('half_pair', changes));
    expect(reply.status).toBe(400);
    expect(reply.body).toEqual({ non_field_errors: [expect.stringMatching(message) as unknown] });
  });

  it('takes null metadata, and numbers and booleans as text', async () => {
    const id = await newCube('coerced', { metadata: null, user_metadata: 'text', mlcube_hash: 42, is_valid: 'false' });
    expect((await get(`/mlcubes/${id}/`)).body).toMatchObject({
      metadata: null,
      user_metadata: 'text',
      mlcube_hash: '42',
      is_valid: false,
    });
  });

  it('is changed in parts by its owner only', async () => {
    const id = await newCube('partial');
    const changed = await put(`/mlcubes/${id}/`, { git_mlcube_url: 'https://h.example/new.yaml' });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ name: 'partial', git_mlcube_url: 'https://h.example/new.yaml' });
    expect((await put(`/mlcubes/${id}/`, { name: 'mine' }, 'dataOwner')).status).toBe(403);
    expect((await put('/mlcubes/999/', {})).status).toBe(403);
    expect((await put('/mlcubes/999/', {}, 'administrator')).status).toBe(404);
    expect((await get('/mlcubes/999/')).body).toEqual({ detail: 'Not found.' });
  });

  it('is frozen once it is operational, except for its URLs', async () => {
    const id = await newCube('frozen');
    expect((await put(`/mlcubes/${id}/`, { state: 'OPERATION' })).status).toBe(200);
    const frozen = { non_field_errors: ['User cannot update non editable fields in Operation mode'] };
    for (const change of [{ state: 'DEVELOPMENT' }, { name: 'thawed' }, { metadata: { a: 1 } }]) {
      const refused = await put(`/mlcubes/${id}/`, change);
      expect([refused.status, refused.body]).toEqual([400, frozen]);
    }
    const same = { name: 'frozen', metadata: {}, git_parameters_url: 'https://h.example/p.yaml', is_valid: false };
    expect((await put(`/mlcubes/${id}/`, same)).status).toBe(200);
  });

  it('lets one of two at once have a name, and one of two have the same files', async () => {
    const names = ['a', 'b'].map((text) => post('/mlcubes/', cubeFields('twins', { mlcube_hash: text })));
    expect((await Promise.all(names)).map((reply) => reply.status).sort()).toEqual([201, 400]);
    const files = ['one', 'other'].map((name) => post('/mlcubes/', cubeFields(name, { mlcube_hash: 'same' })));
    expect((await Promise.all(files)).map((reply) => reply.status).sort()).toEqual([201, 400]);
  });

  it('is deleted by the administrator, unless something refers to it', async () => {
    const id = await newCube('doomed');
    expect((await parties().call('modelOwner', 'DELETE', `/mlcubes/${id}/`)).status).toBe(403);
    expect(await parties().call('administrator', 'DELETE', `/mlcubes/${id}/`)).toMatchObject({ status: 204, body: '' });
    const referred = await parties().call('administrator', 'DELETE', '/mlcubes/2/');
    expect(referred.status).toBe(500);
    expect(referred.headers.get('content-type')).toContain('text/html');
    expect((await get('/mlcubes/2/')).status).toBe(200);
  });
});

describe('lists', () => {
  interface Page {
    count: number;
    next: string | null;
    previous: string | null;
    results: { id: number }[];
  }
  const page = async (query: string): Promise<Page> => (await get(`/mlcubes/${query}`)).body as Page;

  it('come in pages, oldest change first', async () => {
    await newCube('page_cube');
    const host = new URL(parties().server.url).host;
    const first = await page('?limit=2&b=1&a=2');
    expect(first.results.map(({ id }) => id)).toEqual([1, 2]);
    expect(first.next).toBe(`https://${host}/api/v0/mlcubes/?a=2&b=1&limit=2&offset=2`);
    expect(first.previous).toBeNull();
    const second = await page('?limit=2&offset=2');
    expect(second.previous).toBe(`https://${host}/api/v0/mlcubes/?limit=2`);
    const beyond = await page('?limit=2&offset=1000');
    expect([beyond.results, beyond.next]).toEqual([[], null]);
    for (const odd of ['?limit=0', '?limit=-1', '?limit=many', '?offset=-3']) {
      expect((await page(odd)).results).toHaveLength(Math.min(32, first.count));
    }
  });

  it('move a changed row to the end', async () => {
    const id = await newCube('moving');
    await newCube('staying');
    await put(`/mlcubes/${id}/`, { is_valid: true });
    expect((await page('?limit=1000')).results.at(-1)?.id).toBe(id);
  });
});
