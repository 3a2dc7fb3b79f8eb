package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/topics"
)

// weir runs a command line as main does.
func weir(t *testing.T, environ []string, args ...string) (code int, out, errOut string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), &app{out: &stdout, errOut: &stderr, environ: environ}, args)
	return code, stdout.String(), stderr.String()
}

func TestExitCodes(t *testing.T) {
	t.Chdir(t.TempDir()) // no weir.yaml
	if err := os.WriteFile("bad.yaml", []byte("log:\n  levle: info\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args   string
		code   int
		errOut string // what standard error begins with; nothing else may be there where it ends in a line break
	}{
		{"", exitOK, ""},
		{"--help", exitOK, ""},
		{"version", exitOK, ""},
		{"config", exitOK, ""},
		{"config reference", exitOK, ""},
		{"topics list", exitOK, ""},
		{"topics describe payments.events.v1", exitOK, ""},
		{"completion bash", exitOK, ""},
		{"confg", exitUsage, `weir: unknown command "confg" for "weir"`},
		{"config --colour", exitUsage, "weir: unknown flag: --colour\nRun \"weir --help\" for usage.\n"},
		{"run --role api", exitUsage, "weir: unknown flag: --role; did you mean \"--roles\"?\nRun \"weir --help\" for usage.\n"},
		{"routes disable x --for 10", exitUsage, "weir: flag --for: \"10\" is no duration; want a number with its unit, such as 90s, 10m or 2h\nRun \"weir --help\" for usage.\n"},
		{"dispute lst --config x", exitUsage, "weir: unknown command \"lst\" for \"weir dispute\"; did you mean \"list\"?\nRun \"weir --help\" for usage.\n"},
		{"dispute lst", exitUsage, "weir: unknown command \"lst\" for \"weir dispute\"; did you mean \"list\"?\nRun \"weir --help\" for usage.\n"},
		{"rules --config x", exitUsage, "weir: unknown flag: --config\nRun \"weir --help\" for usage.\n"},
		{"dispute list --status needsresponse", exitUsage, "weir: flag --status: \"needsresponse\": want one of [needs_response overdue submitting accepting under_review accepted won lost closed]\n"},
		{"config now", exitUsage, `weir: unknown command "now" for "weir config"`},
		{"payment", exitUsage, "weir: want one payment, by its id: weir payment pay_0003_019ac1b2f5a87c3e9d10aa5be2c17f44\nRun \"weir --help\" for usage.\n"},
		{"payment 42", exitUsage, "weir: payment id \"42\": want pay_, 4 hex digits, _ and 32 hex digits\n"},
		{"ledger entry", exitUsage, "weir: want one entry, by its id: weir ledger entry 3-1204-0\nRun \"weir --help\" for usage.\n"},
		{"recover republish --partition 1", exitUsage, "weir: required flag(s) \"from\" not set\nRun \"weir --help\" for usage.\n"},
		{"recover republish --from end", exitUsage, "weir: at least one of the flags in the group [partition all] is required\nRun \"weir --help\" for usage.\n"},
		{"topics describe", exitUsage, "weir: want one topic, by its name: weir topics describe payments.events.v1\nRun \"weir --help\" for usage.\n"},
		{"config --config bad.yaml", exitUsage, "weir: configuration: bad.yaml:2: log.levle: is no key; did you mean log.level?\n"},
		{"config --config none.yaml", exitUsage, "weir: configuration: configuration file: stat none.yaml: no such file or directory\n"},
		{"config --set region", exitUsage, "weir: configuration: flag --set: want key=value, such as api.wait=2s\n"},
		{"config --log-level loud", exitUsage, "weir: configuration: flag --log-level: log.level: want one of debug, info, warn, error\n"},
		{"topics describe nothing", exitProblem, "weir: \"nothing\" is not a topic of weir; \"weir topics list\" names them\n"},
		{"topics apply", exitUsage, "weir: kafka.brokers: is empty; want the brokers of a cluster (--brokers)."},
	} {
		t.Run(test.args, func(t *testing.T) {
			code, out, errOut := weir(t, nil, strings.Fields(test.args)...)
			if code != test.code {
				t.Errorf("exit code %d, want %d: %s", code, test.code, errOut)
			}
			if !strings.HasPrefix(errOut, test.errOut) || strings.HasSuffix(test.errOut, "\n") && errOut != test.errOut || test.errOut == "" && errOut != "" {
				t.Errorf("got  %q\nwant %q", errOut, test.errOut)
			}
			if (code == exitOK) != (out != "") || strings.Contains(errOut, "Flags:") {
				t.Errorf("output %q, errors %q", out, errOut)
			}
		})
	}
}

func TestTopicsSchemas(t *testing.T) {
	dir := t.TempDir()
	if code, out, errOut := weir(t, nil, "topics", "schemas", "--out", dir); code != exitOK || !strings.HasSuffix(out, "written below "+dir+"\n") {
		t.Fatalf("%d %s%s", code, out, errOut)
	}
	for _, name := range []string{"asyncapi.yaml", "schemas/Command.schema.json", "schemas/PaymentEvent.schema.json"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestConfigIsFound(t *testing.T) {
	t.Chdir(t.TempDir())
	for file, text := range map[string]string{"weir.yaml": "region: here\n", "other.yaml": "region: there\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		environ []string
		args    string
		want    string
	}{
		{nil, "config", `region: "here"`},
		{[]string{"WEIR_CONFIG=other.yaml"}, "config", `region: "there"`},
		{[]string{"WEIR_CONFIG=other.yaml"}, "config --config weir.yaml", `region: "here"`},
		{[]string{"WEIR_REGION=env"}, "config", `region: "env"`},
		{[]string{"WEIR_REGION=env"}, "config --set region=flag", `region: "flag"`},
		{nil, "config --data-dir=" + filepath.Join("a", "b"), `data_dir: "a/b"`},
	} {
		if code, out, errOut := weir(t, test.environ, strings.Fields(test.args)...); code != exitOK || !strings.Contains(out, test.want+"\n") {
			t.Errorf("%v %s: %d %s, want %s", test.environ, test.args, code, errOut+out, test.want)
		}
	}
}

// TestConfigRefusesWhatRunDoes: what keeps weir run from starting is told before.
func TestConfigRefusesWhatRunDoes(t *testing.T) {
	t.Chdir(t.TempDir())
	for file, text := range map[string]string{
		"secret.yaml":  "psp: { sandbox: { base_url: \"http://localhost:1\", webhook: { secret: whsec_short } } }\n",
		"routing.yaml": "risk: { routing: routes.yaml }\n",
		"routes.yaml":  "version: 1\nroutes:\n  - { name: a, psp: sandbax }\n",
		"rules.yaml":   "risk: { rules: nowhere.yaml }\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for file, want := range map[string]string{
		"secret.yaml": "psp.sandbox.webhook: ", "routing.yaml": `no PSP "sandbax"`, "rules.yaml": "nowhere.yaml",
	} {
		if code, out, errOut := weir(t, nil, "config", "--config", file); code == exitOK || !strings.Contains(errOut, want) {
			t.Errorf("%s: %d %s, want %s", file, code, errOut+out, want)
		}
	}
	if code, _, errOut := weir(t, nil, "config", "--config", "routing.yaml", "--set", "roles=api"); code != exitOK {
		t.Errorf("a process without the role risk reads no routing file: %s", errOut)
	}
}

func TestTopicsOnACluster(t *testing.T) {
	t.Chdir(t.TempDir())
	b := brokertest.New(t, 2)
	cluster := []string{"--brokers", strings.Join(b.Config.Brokers, ","), "--set", "kafka.partitions=2"}
	topicsRun := func(want int, args ...string) string {
		t.Helper()
		code, out, errOut := weir(t, nil, args...)
		if code != want {
			t.Fatalf("%v: exit code %d, want %d: %s%s", args, code, want, out, errOut)
		}
		return out + errOut
	}
	topicsRun(exitOK, append([]string{"topics", "apply"}, cluster...)...)
	topicsRun(exitOK, append([]string{"topics", "check"}, cluster...)...)
	more := append([]string{"topics", "check"}, cluster...)
	more[len(more)-1] = "kafka.partitions=3"
	if out := topicsRun(exitProblem, more...); strings.Count(out, "partitions is 2, want 3\n") != len(topics.Catalogue()) {
		t.Errorf("got %s", out)
	}
	more[1] = "apply"
	if out := topicsRun(exitProblem, more...); !strings.Contains(out, "fixed for a topic's life") {
		t.Errorf("got %s", out)
	}
}
