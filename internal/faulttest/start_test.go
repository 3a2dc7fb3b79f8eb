package faulttest

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// startLimit is for a start that fails: it waits for servers that are away.
const startLimit = 2 * time.Minute

// TestStopsTheStart gives a start what it cannot work with. It must end with the exit code and the words that tell what
// is wrong and where.
func TestStopsTheStart(t *testing.T) {
	t.Parallel()
	closed := freeAddress(t) // nobody listens there
	for name, c := range map[string]struct {
		more string // of the configuration
		args []string
		code int
		says []string
	}{
		"a key that does not exist":       {more: "kafkaa: {brokers: []}\n", code: 2, says: []string{"weir.yaml:14: kafkaa", "kafka"}},
		"a value of the wrong kind":       {args: []string{"--set", "api.wait=soon"}, code: 2, says: []string{"api.wait", "a duration"}},
		"a value out of range":            {args: []string{"--set", "stream.batch_records=0"}, code: 2, says: []string{"stream.batch_records"}},
		"a role that does not exist":      {args: []string{"--roles", "risk,payment"}, code: 2, says: []string{"roles.1", "payments"}},
		"a file that is not YAML":         {more: "  : :\n\t- [", code: 2, says: []string{"weir.yaml:1"}},
		"a secret that is too short":      {args: []string{"--set", "api.keys.0.key=short"}, code: 2, says: []string{"api.keys.0.key"}},
		"a flag that does not exist":      {args: []string{"--fast"}, code: 2, says: []string{"--fast"}},
		"a rule file with a mistake":      {more: "risk: {rules: DIR/rules.yaml}\n", code: 1, says: []string{"rules.yaml:4:", "^"}},
		"a rule file that is not there":   {more: "risk: {rules: DIR/none.yaml}\n", code: 1, says: []string{"none.yaml", "no such file"}},
		"an API port that is taken":       {more: "", args: []string{"--listen", "TAKEN"}, code: 1, says: []string{"api.listen", "address already in use"}},
		"a broker's port that is taken":   {args: []string{"--set", "kafka.embedded_port=TAKENPORT"}, code: 1, says: []string{"TAKENPORT", "address already in use"}},
		"a database port that is taken":   {args: []string{"--set", "database.embedded_port=TAKENPORT"}, code: 1, says: []string{"TAKENPORT"}},
		"a data directory that is a file": {args: []string{"--set", "data_dir=DIR/rules.yaml"}, code: 1, says: []string{"rules.yaml", "not a directory"}},
		"a broker that is away": {args: []string{"--set", "kafka.brokers=" + closed, "--set", "psp.sandbox.base_url=http://127.0.0.1:1"},
			code: 1, says: []string{"no broker answers at [" + closed + "]"}},
		"a database that is away": {args: []string{"--set", "database.url=postgres://weir:hidden@" + closed + "/weir", "--set", "psp.sandbox.base_url=http://127.0.0.1:1"},
			code: 1, says: []string{closed, "database"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := tempDir(t)
			taken, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer taken.Close()
			_, port, err := net.SplitHostPort(taken.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			put := strings.NewReplacer("DIR", dir, "TAKENPORT", port, "TAKEN", taken.Addr().String()).Replace
			writeFile(t, filepath.Join(dir, "rules.yaml"), strings.Replace(goodRules, "==", "===", 1))
			args := []string{"run", "--config", configuration(t, dir, freeAddress(t), put(c.more))}
			for _, arg := range c.args {
				args = append(args, put(arg))
			}
			p := start(t, args...)
			code := p.exited(t, startLimit)
			output := p.output.String()
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, words := range c.says {
				if !strings.Contains(output, put(words)) {
					t.Errorf("does not say %q", put(words))
				}
			}
			if strings.Contains(output, "hidden") || strings.Contains(output, "goroutine ") {
				t.Error("shows a password or a stack")
			}
			if t.Failed() {
				t.Log(output)
			}
		})
	}
	t.Run("a data directory that another process uses", func(t *testing.T) {
		t.Parallel()
		dir := tempDir(t)
		listen := freeAddress(t)
		file := configuration(t, dir, listen, "")
		first := start(t, "run", "--config", file)
		first.ready(t, "http://"+listen)
		second := start(t, "run", "--config", file, "--listen", freeAddress(t), "--set", "sandbox.listen="+freeAddress(t))
		if code := second.exited(t, startLimit); code != 1 || !strings.Contains(second.output.String(), "is held by another process") {
			t.Errorf("exit code %d:\n%s", code, second.output)
		}
		if status := probe(t.Context(), "http://"+listen+"/readyz"); status != 200 {
			t.Errorf("the first engine's /readyz says %d", status)
		}
		first.stop(t)
		if code := first.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("the first engine ends with %d:\n%s", code, first.output)
		}
		if _, err := os.Stat(filepath.Join(dir, "data")); err != nil {
			t.Error(err)
		}
	})
}
