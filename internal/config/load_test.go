package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNothingConfigured(t *testing.T) {
	c, err := Load(Sources{})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Embedded() || !c.Runs("sandbox") || !c.Runs("api") || c.Kafka.Partitions != 4 || c.Payments.PSP != "sandbox" {
		t.Errorf("got %+v", c)
	}
	if c.PSP["sandbox"].BaseURL != "http://127.0.0.1:8090" || c.Sandbox.WebhookURL != "http://127.0.0.1:8080/webhooks/sandbox" {
		t.Errorf("got %+v, %+v", c.PSP, c.Sandbox)
	}
	if c.PSP["sandbox"].Webhook.Secret != c.Sandbox.WebhookSecret {
		t.Error("sandbox and engine have different webhook secrets")
	}
}

func TestOverrides(t *testing.T) {
	secret := write(t, "secret", "from-a-file\n")
	file := write(t, "weir.yaml", `
region: eu
roles: [payments, risk]
log: {level: debug}
kafka:
  brokers:
    - a.example:9092
    - b.example:9092
  partitions: 010
database:
  url: postgresql://weir@db.example:26257/weir
  password_file: `+secret+`
api:
  max_body_bytes: 64KiB
psp:
  acme:
    base_url: https://acme.example
    secret_file: `+secret+`
    timeout: 5s
payments:
  authorization_ttl: 6d
`)
	c, err := Load(Sources{
		File: file,
		Environ: []string{"WEIR_LOG__LEVEL=warn", "WEIR_REGION=us", "WEIR_PSP__ACME__CONCURRENCY=7", "WEIR_API__KEYS__0__NAME=till", "WEIR_API__KEYS__0__TENANT=shop",
			"WEIR_API__KEYS__0__KEY=0123456789abcdef", "WEIR_API__KEYS__0__APPROVER=true", "WEIR_TEST_DATABASE_URL=x", "WEIR_SERVICE_HOST=10.0.0.1", "WEIR_PORT=tcp://10.0.0.1:80", "WEIR_PORT_80_TCP=x", "WEIR_CONFIG=elsewhere", "HOME=/"},
		Flags: []Setting{{"region", "ap", "--region"}, {"kafka.brokers", "c.example:9092,d.example:9092", "--brokers"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	address, err := c.Database.Address()
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(c.Region, c.Roles, c.Log.Level, c.Kafka.Brokers, c.Kafka.Partitions, address, int(c.API.MaxBodyBytes), c.API.Keys[0].Name, c.API.Keys[0].Approver,
		c.PSP["acme"].Secret.Reveal(), c.PSP["acme"].Timeout, c.PSP["acme"].Concurrency, c.Payments.AuthorizationTTL, c.Payments.PSP, c.Runs("sandbox"))
	const want = "ap[payments risk]warn[c.example:9092 d.example:9092]10postgresql://weir:from-a-file@db.example:26257/weir 65536till true from-a-file 5s7 144h0m0sacme false"
	if squeeze(got) != squeeze(want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func squeeze(s string) string { return strings.ReplaceAll(s, " ", "") }

func TestWrongConfiguration(t *testing.T) {
	for _, test := range []struct {
		name, file string
		env        []string
		flags      []Setting
		want       []string // one line each; FILE is the file's path
	}{
		{name: "misspelt key", file: "log:\n  levle: info\n", want: []string{"FILE:2: log.levle: is no key; did you mean log.level?"}},
		{name: "key of another section", file: "listen: :80\n", want: []string{"FILE:1: listen: is no key; did you mean api.listen?"}},
		{name: "unknown key", file: "log:\n  colour: red\n", want: []string{"FILE:2: log.colour: is no key; here are: level, format"}},
		{name: "flat key", file: "kafka.partitions: 4\n", want: []string{"FILE:1: kafka.partitions: is no key; keys stand below each other: kafka: partitions: …"}},
		{name: "section without keys", file: "kafka: yes\n", want: []string{"FILE:1: kafka: want keys below it, such as kafka.brokers"}},
		{name: "misspelt secret", file: "database:\n  pasword_file: x\n", want: []string{"FILE:2: database.pasword_file: is no key; did you mean database.password_file?"}},
		{name: "file of no secret", file: "region_file: x\n", want: []string{"FILE:1: region_file: is no key; here are: data_dir, region"}},
		{name: "two problems", file: "log: {level: loud}\nkafka:\n  partitions: -1\n", want: []string{
			"FILE:1: log.level: want one of debug, info, warn, error", "FILE:3: kafka.partitions: is too small; want 0 or more"}},
		{name: "number", file: "kafka:\n  partitions: many\n", want: []string{"FILE:2: kafka.partitions: want an integer of 32 bits"}},
		{name: "large number", file: "kafka:\n  replication: 70000\n", want: []string{"FILE:2: kafka.replication: want an integer of 16 bits"}},
		{name: "boolean", file: "kafka: {tls: {enabled: yes}}\n", want: []string{"FILE:1: kafka.tls.enabled: want true or false"}},
		{name: "duration without unit", file: "api:\n  wait: 5\n", want: []string{"FILE:2: api.wait: want a duration with its unit, such as 100ms, 30s, 15m, 12h or 7d"}},
		{name: "long duration", file: "api:\n  wait: 5m\n", want: []string{"FILE:2: api.wait: is too large; want 30s or less"}},
		{name: "size", file: "api:\n  max_body_bytes: 5MB\n", want: []string{"FILE:2: api.max_body_bytes: want a number of bytes, or one with KiB, MiB or GiB, such as 4MiB"}},
		{name: "list for a value", file: "region: [a]\n", want: []string{"FILE:1: region: want one value (text)"}},
		{name: "value for a list", file: "api:\n  keys: till\n", want: []string{"FILE:2: api.keys: want a list"}},
		{name: "role", file: "roles:\n  - risk\n  - payment\n", want: []string{"FILE:3: roles.1: want one of risk, velocity, payments, psp, webhooks, statements, checkpoints, api, sandbox"}},
		{name: "broker", file: "kafka: {brokers: [localhost]}\n", want: []string{"FILE:1: kafka.brokers.0: want host:port"}},
		{name: "API key", file: "api:\n  keys:\n    - name: till\n      tenant: shop\n      key: short-secret\n",
			want: []string{"FILE:5: api.keys.0.key: is too short; want at least 16 characters"}},
		{name: "API key without tenant", file: "api:\n  keys:\n    - name: till\n      key: 0123456789abcdef\n", want: []string{"FILE:3: api.keys.0.tenant: is missing"}},
		{name: "tenant", file: "api:\n  keys:\n    - {name: till, tenant: a b, key: 0123456789abcdef}\n", want: []string{"FILE:3: api.keys.0.tenant: want 1 to 64 letters, digits, '.', '_', ':' or '-'"}},
		{name: "provider", file: "psp:\n  acme:\n    base_url: acme.example\n    timeout: 1ms\n", want: []string{
			"FILE:3: psp.acme.base_url: want a URL that begins with http:// or https://", "FILE:4: psp.acme.timeout: is too small; want 100ms or more"}},
		{name: "adapter", file: "psp:\n  acme:\n    adapter: paypal\n", want: []string{"FILE:3: psp.acme.adapter: want one of sandbox, stripe, adyen, generic"}},
		{name: "provider without address", file: "psp:\n  acme:\n    secret: x\n", want: []string{"FILE:2: psp.acme.base_url: is missing; the adapter sandbox needs it"}},
		{name: "Stripe without key", file: "psp:\n  acme:\n    adapter: stripe\n", want: []string{"FILE:2: psp.acme.secret: is missing; the adapter stripe needs it"}},
		{name: "over-captures that Adyen does not tell of", file: "psp:\n  acme: {adapter: adyen, base_url: 'https://a', secret: x, merchant_account: A, over_capture_percent: 15}\n", want: []string{"FILE:2: psp.acme.over_capture_percent: is set, and Adyen does not tell how much more than is authorised a payment's capture may take; want 0"}},
		{name: "over-captures of more than twice", file: "psp:\n  acme: {base_url: 'https://a', over_capture_percent: 101}\n", want: []string{"FILE:2: psp.acme.over_capture_percent: is too large; want 100 or less"}},
		{name: "a descriptor that no statement shows", file: "payments: {statement_descriptors: [{tenant: acme, text: 'ACME*'}]}\n", want: []string{`FILE:1: payments.statement_descriptors.0.text: want 5 to 22 Latin characters, a letter at least, none of < > \ ' " *, and no space at either end`}},
		{name: "Adyen without account", file: "psp:\n  acme: {adapter: adyen, base_url: 'https://a', secret: x}\n", want: []string{"FILE:2: psp.acme.merchant_account: is missing; the adapter adyen needs it"}},
		{name: "scheme of another PSP", file: "psp:\n  acme: {adapter: stripe, secret: x, webhook: {secret: y}}\n", want: []string{"FILE:2: psp.acme.webhook.scheme: is standard; the webhooks of the adapter stripe are signed by the scheme stripe"}},
		{name: "definition of another adapter", file: "psp:\n  acme: {adapter: stripe, secret: x, definition: bank.yaml}\n", want: []string{"FILE:2: psp.acme.definition: is set, and only the adapter generic reads it"}},
		{name: "provider's name", file: "psp:\n  A B:\n    base_url: https://acme.example\n", want: []string{"FILE:2: psp.A B: want a name of a-z, 0-9, - and _ that begins with a letter"}},
		{name: "old secret alone", file: "psp:\n  acme:\n    base_url: https://acme.example\n    webhook:\n      old_secret: x\n", want: []string{"FILE:5: psp.acme.webhook.old_secret: is set without secret; want the new secret there"}},
		{name: "moved key", file: "psp:\n  acme:\n    base_url: https://acme.example\n    webhook_secret_file: x\n", want: []string{"FILE:4: psp.acme.webhook_secret_file: is no key; want psp.acme.webhook.secret_file"}},
		{name: "unknown scheme", file: "psp:\n  acme:\n    base_url: https://acme.example\n    webhook:\n      scheme: md5\n", want: []string{"FILE:5: psp.acme.webhook.scheme: want one of standard, stripe, adyen, hmac, ed25519"}},
		{name: "no signature header", file: "psp:\n  acme:\n    base_url: https://acme.example\n    webhook:\n      scheme: hmac\n", want: []string{"FILE:4: psp.acme.webhook.signature_header: is missing; want the name of the header that holds the signature"}},
		{name: "a secret for ed25519", file: "psp:\n  acme:\n    base_url: https://acme.example\n    webhook:\n      scheme: ed25519\n      signature_header: X-Sig\n      secret: x\n", want: []string{"FILE:7: psp.acme.webhook.secret: is set, and the scheme ed25519 has none; want public_key"}},
		{name: "a public key for stripe", file: "psp:\n  acme:\n    base_url: https://acme.example\n    webhook:\n      scheme: stripe\n      public_key: x\n", want: []string{"FILE:6: psp.acme.webhook.public_key: is set, and the scheme stripe has none; want secret"}},
		{name: "old public key alone", file: "psp:\n  acme:\n    base_url: https://acme.example\n    webhook:\n      scheme: standard\n      old_public_key: x\n", want: []string{"FILE:6: psp.acme.webhook.old_public_key: is set without public_key; want the new key there"}},
		{name: "no provider", file: "kafka: {brokers: ['a:1']}\nroles: [payments]\n", want: []string{"psp: is empty: there is no provider to send payments to; want psp.<name>.base_url and what belongs to it"}},
		{name: "several providers", file: "psp:\n  a: {base_url: 'https://a'}\n  b: {base_url: 'https://b'}\n", want: []string{"payments.psp: is missing, and there are several providers; want one of their names"}},
		{name: "checkpoint key", file: "ledger:\n  checkpoint_key: garbage\n", want: []string{"FILE:2: ledger.checkpoint_key: is not a private key as weir ledger keygen prints it"}},
		{name: "another provider", file: "payments:\n  psp: acme\n", want: []string{"FILE:2: payments.psp: is the name of no provider below psp; there are: sandbox"}},
		{name: "nobody may call", file: "kafka: {brokers: ['a:1']}\nroles: [api]\n", want: []string{"api.keys: is empty: nobody could call the API; want at least one name, tenant and key"}},
		{name: "short horizon", file: "payments:\n  dedup_horizon: 7d\n", want: []string{"FILE:2: payments.dedup_horizon: is too small; want 30d or more"}},
		{name: "pair of times", file: "payments:\n  poll_most: 500ms\n", want: []string{"FILE:2: payments.poll_most: is too small; want poll_after or more"}},
		{name: "database of another kind", file: "database:\n  url: mysql://root:hunter2@db/x\n", want: []string{"FILE:2: database.url: want postgres://user@host:26257/database"}},
		{name: "secret twice", file: "database:\n  password: a\n  password_file: b\n", want: []string{"FILE:3: database.password_file: is set, and database.password too; want one of them"}},
		{name: "missing secret file", file: "database:\n  password_file: /nonexistent/x\n", want: []string{"FILE:2: database.password_file: stat /nonexistent/x: no such file or directory"}},
		{name: "set twice", file: "region: a\nregion: b\n", want: []string{"FILE:2: mapping key \"region\" already defined at [1:1]"}},
		{name: "syntax", file: "log:\n  level: [info\n", want: []string{"FILE:2: "}},
		{name: "a list", file: "- a\n", want: []string{"FILE: want keys and values, such as \"region: eu\""}},
		{name: "two documents", file: "region: a\n---\nregion: b\n", want: []string{"FILE: holds several documents; want one"}},
		{name: "anchor", file: "region: &r eu\n", want: []string{"FILE:1: anchors, aliases, tags and merge keys are not read here; write the value out"}},
		{name: "environment", env: []string{"WEIR_LOG__LEVLE=info"}, want: []string{"environment variable WEIR_LOG__LEVLE: log.levle: is no key; did you mean log.level?"}},
		{name: "environment value", env: []string{"WEIR_API__LISTEN=8080"}, want: []string{"environment variable WEIR_API__LISTEN: api.listen: want host:port, such as 127.0.0.1:8080 or :8080"}},
		{name: "environment, both levels", env: []string{"WEIR_LOG=x", "WEIR_LOG__LEVEL=info"}, want: []string{"environment variable WEIR_LOG__LEVEL: sets log.level, and log is set too; want one of them"}},
		{name: "flag", flags: []Setting{{"log.level", "loud", "--log-level"}}, want: []string{"flag --log-level: log.level: want one of debug, info, warn, error"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := Sources{Environ: test.env, Flags: test.flags}
			if test.file != "" {
				s.File = write(t, "weir.yaml", test.file)
			}
			_, err := Load(s)
			if err == nil {
				t.Fatal("no error")
			}
			lines := strings.Split(err.Error(), "\n")
			for i, want := range test.want {
				if want = strings.ReplaceAll(want, "FILE", s.File); i >= len(lines) || !strings.HasPrefix(lines[i], want) {
					t.Errorf("got  %s\nwant %s", err, want)
				}
			}
			if len(lines) > len(test.want) && test.name != "syntax" {
				t.Errorf("more than expected: %s", err)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "short-secret") {
				t.Errorf("the error quotes a secret: %s", err)
			}
		})
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	const text = "hunter2hunter2hunter2"
	c, err := Load(Sources{Environ: []string{"WEIR_DATABASE_URL=postgres://weir:" + text + "@db:26257/weir?sslpassword=" + text,
		"WEIR_KAFKA__SASL__PASSWORD=" + text, "WEIR_PSP__ACME__SECRET=" + text, "WEIR_PSP__ACME__BASE_URL=https://acme", "WEIR_PSP__ACME__WEBHOOK__SECRET=" + text,
		"WEIR_API__KEYS__0__KEY=" + text, "WEIR_API__KEYS__0__NAME=n", "WEIR_API__KEYS__0__TENANT=t"}})
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "config", *c, "url", c.Database.URL, "secret", c.Kafka.SASL.Password)
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for name, out := range map[string]string{
		"Print": Print(c), "%v": fmt.Sprintf("%v", *c), "%+v": fmt.Sprintf("%+v", c), "%#v": fmt.Sprintf("%#v", *c), "%s": fmt.Sprintf("%s", c.Database.URL),
		"%x": fmt.Sprintf("%x", c.Kafka.SASL.Password), "%q": fmt.Sprintf("%q", c.Kafka.SASL.Password), "slog": logged.String(), "JSON": string(encoded),
	} {
		if strings.Contains(out, "hunter2") || strings.Contains(out, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("%s prints a secret: %s", name, out)
		}
	}
	if !strings.Contains(Print(c), `url: "postgres://weir:***@db:26257/weir?sslpassword=***"`) {
		t.Errorf("got %s", Print(c))
	}
}

// TestPrintLoads: what Print writes of a configuration without secrets is that configuration.
func TestPrintLoads(t *testing.T) {
	first, err := Load(Sources{Flags: []Setting{{"roles", "risk,payments", "--roles"}, {"psp.acme.base_url", "https://acme", ""}, {"payments.held_ttl", "36h", ""}}})
	if err != nil {
		t.Fatal(err)
	}
	first.API.Keys = nil // holds a secret
	second, err := Load(Sources{File: write(t, "weir.yaml", Print(first))})
	if err != nil {
		t.Fatalf("%v in\n%s", err, Print(first))
	}
	second.API.Keys = nil
	for _, c := range []*Config{first, second} { // an empty list is as good as none
		if len(c.Kafka.Brokers) == 0 {
			c.Kafka.Brokers = nil
		}
	}
	if !reflect.DeepEqual(first, second) {
		t.Errorf("got  %+v\nwant %+v", second, first)
	}
}

func TestDurationsAndSizes(t *testing.T) {
	for _, d := range []time.Duration{0, time.Millisecond, 90 * time.Second, time.Minute, time.Hour, 36 * time.Hour, 30 * 24 * time.Hour, 1500 * time.Millisecond, time.Hour + time.Second} {
		if got, err := parseDuration(formatDuration(d)); err != nil || got != d {
			t.Errorf("%s is written %s and read %s, %v", d, formatDuration(d), got, err)
		}
	}
	for _, b := range []Bytes{0, 1, 1023, 1024, 256 << 10, 3 << 30} {
		if got, err := parseBytes(b.String()); err != nil || got != b {
			t.Errorf("%d is written %s and read %d, %v", int64(b), b, int64(got), err)
		}
	}
	for _, text := range []string{"-1d", "99999999d", "5", "", "1y"} {
		if d, err := parseDuration(text); err == nil {
			t.Errorf("%q is read as %s", text, d)
		}
	}
	if b, err := parseBytes("99999999999GiB"); err == nil {
		t.Errorf("99999999999GiB is read as %d", b)
	}
}

func TestEveryKeyIsDescribed(t *testing.T) {
	for _, key := range Keys() {
		if key.Doc == "" || !strings.HasSuffix(key.Doc, ".") || strings.Contains(key.Path, "..") {
			t.Errorf("%s: has no name or no description: %q", key.Path, key.Doc)
		}
	}
}
