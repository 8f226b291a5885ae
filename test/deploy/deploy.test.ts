import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments, parse as parseYaml } from 'yaml';
import type { Metric } from '../../src/core/observe/metric.ts';
import { METRICS } from '../../src/core/serve/metrics/metrics.ts';
import type { MetricSources } from '../../src/core/serve/metrics/sources.ts';
import { mdx, ROOT } from '../world/real-process.ts';

const DEPLOY = join(ROOT, 'deploy');
const textOf = (path: string): string => readFileSync(join(DEPLOY, path), 'utf8');
const FILES: readonly string[] = readdirSync(DEPLOY, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(DEPLOY.length + 1));

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string };
}

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly query: { readonly query: string } }[] };
}

type Services = Record<string, { readonly stop_grace_period: string; readonly volumes: readonly string[] }>;

interface Named {
  readonly name: string;
}

interface KubernetesService {
  readonly metadata: Named;
  readonly spec: {
    readonly selector: Readonly<Record<string, string>>;
    readonly ports: readonly (Named & { readonly port: number })[];
  };
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface StatefulSet {
  readonly spec: {
    readonly serviceName: string;
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly volumeClaimTemplates: readonly { readonly metadata: Named }[];
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly volumes: readonly Named[];
        readonly containers: readonly {
          readonly args: readonly string[];
          readonly ports: readonly (Named & { readonly containerPort: number })[];
          readonly volumeMounts: readonly (Named & { readonly mountPath: string })[];
          readonly startupProbe: Probe;
          readonly livenessProbe: Probe;
          readonly readinessProbe: Probe;
        }[];
      };
    };
  };
}

const RULES = (parseYaml(textOf('prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  ({ rules }) => rules,
);
const DASHBOARD = JSON.parse(textOf('grafana/dashboards/mdx.json')) as Dashboard;
const BY_NAME = new Map<string, Metric<MetricSources>>(METRICS.map((metric) => [metric.name, metric]));

/** Metrics that an expression names, each with the labels that it selects by. */
function namedIn(expression: string): { readonly name: string; readonly labels: string[] }[] {
  const found = expression.matchAll(/([a-z_][a-z0-9_]*)\s*(?:\{([^}]*)\}|\[|(?=\s*(?:[-+*/<>=),]|$)))/g);
  return [...found].flatMap(([whole, name, selected]) => {
    const isWord =
      /^(by|sum|le|or|and|on|ignoring|instance|kind|protocol|chan|channel|thread|tap|stage|start|where|position)$/;
    if (isWord.test(name!) && !whole.includes('{')) return [];
    const labels = [...(selected ?? '').matchAll(/(\w+)\s*[=!]/g)].map(([, label]) => label!);
    return [{ name: name!, labels }];
  });
}

/** What is wrong with an expression; the label of the scrape itself are known, too. */
function faultsOf(expression: string): string[] {
  return namedIn(expression).flatMap(({ name, labels }) => {
    if (name === 'up') return [];
    const metric = BY_NAME.get(name) ?? BY_NAME.get(name.replace(/_(bucket|sum|count)$/, ''));
    if (metric === undefined) return [`${name} is no metric`];
    if (metric.name !== name && metric.type !== 'histogram') return [`${name} is of no histogram`];
    const known = [...metric.labels, 'instance', 'job', 'le'];
    return labels.filter((label) => !known.includes(label)).map((label) => `${name} has no label ${label}`);
  });
}

/** Sections of a unit of systemd: every key with its values. */
function unitOf(text: string): Map<string, Map<string, string[]>> {
  const sections = new Map<string, Map<string, string[]>>();
  let section: Map<string, string[]> | null = null;
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const head = /^\[(\w+)\]$/.exec(line);
    if (head !== null) {
      section = new Map();
      sections.set(head[1]!, section);
      continue;
    }
    const [, key, value] = /^(\w+)=(.*)$/.exec(line)!;
    section!.set(key!, [...(section!.get(key!) ?? []), value!]);
  }
  return sections;
}

describe('deploy/', () => {
  test('every YAML and JSON file is read by a parser, without a word of complaint', () => {
    const yaml = FILES.filter((path) => /\.ya?ml$/.test(path));
    expect(yaml.length).toBeGreaterThanOrEqual(6);
    for (const path of yaml) {
      for (const document of parseAllDocuments(textOf(path))) {
        expect([path, document.errors, document.warnings]).toEqual([path, [], []]);
      }
    }
    for (const path of FILES.filter((name) => name.endsWith('.json'))) JSON.parse(textOf(path));
  });

  test('the configuration is one that mdx serve takes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mdx-deploy-'));
    const tokens = join(folder, 'tokens');
    const file = join(folder, 'mdx.toml');
    writeFileSync(tokens, 'operator:a-token-of-tests-that-is-long-enough\n', { mode: 0o600 });
    writeFileSync(file, textOf('mdx.toml').replace('/etc/mdx/tokens', tokens));
    const { code, stderr } = await mdx(['config', 'check', file]);
    rmSync(folder, { recursive: true });
    expect([code, stderr]).toEqual([0, expect.not.stringMatching(/error/)]);
  });

  test('the alerts and the dashboard name metrics and labels that there are', () => {
    expect(faultsOf('sum(rate(no_such_metric[1m])) > 0')).toEqual(['no_such_metric is no metric']);
    expect(faultsOf('rx_drops{where="a"}')).toEqual(['rx_drops has no label where']);
    expect(faultsOf('rx_drops_bucket')).toEqual(['rx_drops_bucket is of no histogram']);
    expect(RULES.length).toBeGreaterThan(10);
    for (const { alert, expr } of RULES) expect([alert, faultsOf(expr)]).toEqual([alert, []]);
    for (const { alert, expr } of RULES) expect([alert, namedIn(expr).length > 0]).toEqual([alert, true]);
    for (const { title, targets } of DASHBOARD.panels) {
      for (const { expr } of targets) {
        expect([title, faultsOf(expr)]).toEqual([title, []]);
        expect([title, namedIn(expr).length > 0]).toEqual([title, true]);
      }
    }
    for (const { query } of DASHBOARD.templating.list) {
      const [, name] = /^label_values\((\w+), \w+\)$/.exec(query.query)!;
      expect(BY_NAME.has(name!)).toBe(true);
    }
  });

  test('the panels of the dashboard do not lie on one another', () => {
    const cells = DASHBOARD.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });

  test('the containers have no root, no rights and a root that is read only', () => {
    const stages = textOf('docker/Dockerfile').split(/^FROM /m);
    const last = stages.at(-1)!;
    expect(last).toMatch(/^USER node$/m);
    expect(last).toMatch(/^ENTRYPOINT \["mdx"\]$/m);
    expect(last.indexOf('\nUSER ')).toBeLessThan(last.indexOf('\nENTRYPOINT '));
    const { services } = parseYaml(textOf('docker/compose.yaml')) as {
      services: Record<string, Record<string, unknown>>;
    };
    for (const [name, service] of Object.entries(services)) {
      expect([name, service]).toEqual([
        name,
        expect.objectContaining({
          read_only: true,
          cap_drop: ['ALL'],
          security_opt: ['no-new-privileges:true'],
          mem_limit: expect.any(String),
        }),
      ]);
    }
    // What is mounted is there; secrets are made by whoever deploys.
    for (const { volumes = [] } of Object.values(services) as { volumes?: string[] }[]) {
      for (const source of volumes.map((volume) => volume.split(':')[0]!)) {
        if (!source.startsWith('.') || source.startsWith('./secrets/')) continue;
        expect([source, existsSync(resolve(DEPLOY, 'docker', source))]).toEqual([source, true]);
      }
    }
    const [service, set] = parseAllDocuments(textOf('kubernetes/mdx.yaml')).map(
      (document) => document.toJS() as { kind: string; spec: Record<string, never> },
    );
    expect([service!.kind, set!.kind]).toEqual(['Service', 'StatefulSet']);
    const pod = (set!.spec['template'] as { spec: Record<string, unknown> }).spec;
    expect(pod['securityContext']).toMatchObject({ runAsNonRoot: true });
    expect((pod['containers'] as unknown[])[0]).toMatchObject({
      securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
      livenessProbe: { httpGet: { path: '/live' } },
      readinessProbe: { httpGet: { path: '/ready' } },
      resources: { limits: { memory: expect.any(String) } },
    });
  });

  test('ports, mounts and times of the containers are those of the configuration, and of one another', () => {
    const toml = textOf('mdx.toml');
    const ports = [...toml.matchAll(/^\w+ = "0\.0\.0\.0:(\d+)"$/gm)].map(([, port]) => Number(port));
    expect(ports).toHaveLength(3);
    const stopSeconds = Number(/^timeout = "(\d+)s"$/m.exec(toml)![1]);
    const files = [/^directory = "(.+)"$/m, /^token_file = "(.+)"$/m].map((key) => key.exec(toml)![1]!);

    const dockerfile = textOf('docker/Dockerfile');
    expect(dockerfile).toContain(`\nEXPOSE ${ports.join(' ')}\n`);
    expect(dockerfile).toContain(`http://127.0.0.1:${ports[0]}/live`);
    const { mdx: composed } = (parseYaml(textOf('docker/compose.yaml')) as { services: Services }).services;
    expect(Number.parseInt(composed!.stop_grace_period, 10)).toBeGreaterThan(stopSeconds);
    const mounted = composed!.volumes.map((volume) => volume.split(':')[1]!);
    for (const path of [...files, '/etc/mdx/mdx.toml']) {
      expect([path, mounted.some((mount) => path.startsWith(mount))]).toEqual([path, true]);
    }

    const [service, set] = parseAllDocuments(textOf('kubernetes/mdx.yaml')).map((each) => each.toJS()) as [
      KubernetesService,
      StatefulSet,
    ];
    const { template, selector, volumeClaimTemplates, serviceName } = set.spec;
    const [container] = template.spec.containers;
    const { labels } = template.metadata;
    expect(labels).toMatchObject(selector.matchLabels);
    expect(labels).toMatchObject(service.spec.selector);
    expect(serviceName).toBe(service.metadata.name);
    expect(service.spec.ports.map(({ port }) => port)).toEqual(ports);
    expect(container!.ports.map(({ containerPort }) => containerPort)).toEqual(ports);
    expect(container!.ports.map(({ name }) => name)).toEqual(service.spec.ports.map(({ name }) => name));
    for (const probe of [container!.startupProbe, container!.livenessProbe, container!.readinessProbe]) {
      expect(container!.ports.map(({ name }) => name)).toContain(probe.httpGet.port);
    }
    expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThan(stopSeconds);
    const volumes = [...template.spec.volumes, ...volumeClaimTemplates.map(({ metadata }) => metadata)];
    expect(new Set(container!.volumeMounts.map(({ name }) => name))).toEqual(
      new Set(volumes.map(({ name }) => name)),
    );
    for (const path of [...files, container!.args.at(-1)!]) {
      const isMounted = container!.volumeMounts.some(({ mountPath }) => path.startsWith(mountPath));
      expect([path, isMounted]).toEqual([path, true]);
    }
  });

  test('the unit of systemd is hardened, and waits longer than the server may take to stop', () => {
    const service = unitOf(textOf('systemd/mdx.service')).get('Service')!;
    for (const key of [
      'NoNewPrivileges',
      'PrivateTmp',
      'ProtectHome',
      'ProtectKernelModules',
      'LockPersonality',
    ]) {
      expect([key, service.get(key)]).toEqual([key, ['yes']]);
    }
    expect(service.get('ProtectSystem')).toEqual(['strict']);
    expect(service.get('CapabilityBoundingSet')).toEqual(['']);
    expect(service.get('User')).toEqual(['mdx']);
    const [, stop] = /^timeout = "(\d+)s"$/m.exec(textOf('mdx.toml'))!;
    expect(Number.parseInt(service.get('TimeoutStopSec')![0]!, 10)).toBeGreaterThan(Number(stop));
  });

  test.runIf(existsSync('/usr/bin/systemd-analyze'))(
    'systemd has nothing to say about its unit',
    async () => {
      const unit = join(DEPLOY, 'systemd/mdx.service');
      const { stderr } = await promisify(execFile)('systemd-analyze', ['verify', '--man=no', unit]);
      // It looks at the units of the machine, too.
      expect(stderr.split('\n').filter((line) => line.includes('mdx.service'))).toEqual([]);
    },
  );
});
