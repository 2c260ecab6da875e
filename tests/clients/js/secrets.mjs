// What users of @kubernetes/client-node do with Secrets. Prints one JSON object; exits with 1 and
// the failure on standard error. Arguments: the namespace.
import assert from 'node:assert/strict';
import * as k8s from '@kubernetes/client-node';

const namespace = process.argv[2];
const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const secret = (name, stringData) => ({ metadata: { name, labels: { app: 'js' } }, stringData });

async function lives() {
  const made = await core.createNamespacedSecret({ namespace, body: secret('s', { a: '1' }) });
  assert.deepEqual([made.type, made.data], ['Opaque', { a: 'MQ==' }]);
  assert.ok(made.metadata.creationTimestamp instanceof Date);
  made.stringData = { b: '2' };
  await core.replaceNamespacedSecret({ name: 's', namespace, body: made });
  const listed = await core.listNamespacedSecret({ namespace, labelSelector: 'app=js' });
  assert.deepEqual(listed.items.map((item) => Object.keys(item.data)), [['a', 'b']]);
  await core.deleteNamespacedSecret({ name: 's', namespace });
}

async function patches() {
  await core.createNamespacedSecret({ namespace, body: secret('p', { a: '1', b: '1' }) });
  const patch = (body, type) =>
    core.patchNamespacedSecret(
      { name: 'p', namespace, body, fieldManager: 'js' },
      k8s.setHeaderOptions('Content-Type', type),
    );
  await patch([{ op: 'remove', path: '/data/a' }], k8s.PatchStrategy.JsonPatch);
  await patch({ metadata: { labels: { app: null, m: '1' } } }, k8s.PatchStrategy.MergePatch);
  await patch({ metadata: { finalizers: ['example.com/x'] } }, k8s.PatchStrategy.StrategicMergePatch);
  await patch({ metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/x'] } },
    k8s.PatchStrategy.StrategicMergePatch);
  const applied = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'p' }, data: { c: 'Mw==' } };
  const got = await patch(applied, k8s.PatchStrategy.ServerSideApply);
  assert.deepEqual(got.data, { b: 'MQ==', c: 'Mw==' });
  assert.deepEqual(got.metadata.labels, { m: '1' });
  assert.equal(got.metadata.finalizers, undefined);
  assert.ok(got.metadata.managedFields.some((e) => e.manager === 'js' && e.operation === 'Apply'));
}

async function errors() {
  const codes = [];
  const attempts = [
    () => core.readNamespacedSecret({ name: 'none', namespace }),
    () => core.createNamespacedSecret({ namespace, body: secret('p', {}) }),
    () => core.createNamespacedSecret({ namespace, body: secret('Not A Name', {}) }),
  ];
  for (const attempt of attempts) {
    const error = await attempt().then(() => assert.fail('it went through'), (e) => e);
    assert.ok(error instanceof k8s.ApiException, String(error));
    codes.push([error.code, JSON.parse(error.body).reason]);
  }
  return codes;
}

// Resolves when `count` calls were made, with what was given to them.
function collected(count) {
  const seen = [];
  let done;
  const all = new Promise((resolve) => { done = resolve; });
  return { all, add: (entry) => { seen.push(entry); if (seen.length === count) done(seen); } };
}

async function watches() {
  const listed = await core.listNamespacedConfigMap({ namespace });
  const seen = collected(3);
  const request = await new k8s.Watch(config).watch(
    `/api/v1/namespaces/${namespace}/configmaps`,
    { resourceVersion: listed.metadata.resourceVersion, fieldSelector: 'metadata.name=w' },
    (type, obj) => seen.add([type, obj.metadata.name]),
    () => {},
  );
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'w' } } });
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'other' } } });
  await core.patchNamespacedConfigMap({ name: 'w', namespace, body: { data: { a: '1' } } },
    k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch));
  await core.deleteNamespacedConfigMap({ name: 'w', namespace });
  const events = await seen.all;
  request.abort();
  return events;
}

async function informs() {
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  const list = () => core.listNamespacedSecret({ namespace, labelSelector: 'app=informer' });
  const informer = k8s.makeInformer(config, path, list, 'app=informer');
  const seen = collected(4);
  for (const event of ['add', 'update', 'delete']) {
    informer.on(event, (obj) => seen.add([event, obj.metadata.name]));
  }
  const body = (name) => ({ metadata: { name, labels: { app: 'informer' } } });
  await core.createNamespacedSecret({ namespace, body: body('i') });
  await informer.start();
  await core.createNamespacedSecret({ namespace, body: body('j') });
  await core.patchNamespacedSecret({ name: 'j', namespace, body: { stringData: { a: '1' } } },
    k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch));
  await core.deleteNamespacedSecret({ name: 'i', namespace });
  const events = await seen.all;
  const cached = informer.list().map((obj) => [obj.metadata.name, obj.data]);
  await informer.stop();
  return { events, cached };
}

async function anything() {
  const client = k8s.KubernetesObjectApi.makeApiClient(config);
  const spec = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'o', namespace } };
  await client.create({ ...spec, data: { a: '1' } });
  const patched = await client.patch({ ...spec, data: { b: '2' } }, undefined, undefined, 'js');
  const objects = k8s.loadAllYaml(k8s.dumpYaml(patched));
  assert.deepEqual(objects[0].data, { a: '1', b: '2' });
  await client.delete(spec);
}

await lives();
await patches();
await anything();
const told = { errors: await errors(), watched: await watches(), informed: await informs() };
console.log(JSON.stringify(told));
// Connections that are kept alive would hold the process.
process.exit(0);
