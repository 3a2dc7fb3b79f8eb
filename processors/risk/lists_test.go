package risk

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/listtopic"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

func unedited() *rules.Edits { return nil }

// editableRules writes a rule set whose list can be edited, and returns its path.
func editableRules(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "rules.yaml")
	text := `version: 1
lists:
  denied: { editable: true, entries: [dev_file] }
rules:
  - { name: denied, when: context.device_id in list("denied"), outcome: block, on_missing: hold }
`
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestAnEditIsInForceInEveryProcess: in two that run and in one that starts later, for the tenant whose list it is; each
// decision says which edits it read.
func TestAnEditIsInForceInEveryProcess(t *testing.T) {
	b := brokertest.New(t, partitions)
	path := editableRules(t)
	kafka := b.Config.Options(slog.New(slog.DiscardHandler))
	process := func() *Role {
		role, err := New(Config{Kafka: kafka, Partitions: partitions, Rules: []string{path}})
		if err != nil {
			t.Fatal(err)
		}
		reader, err := role.lists.start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() { role.lists.follow(t.Context(), reader); close(done) }()
		t.Cleanup(func() { <-done }) // the test's context is done then
		return role
	}
	processes := []*Role{process(), process()}
	desk, err := listtopic.Open(kafka, processes[0].rules.Set)
	if err != nil {
		t.Fatal(err)
	}
	defer desk.Close()
	edit := func(tenant, value string, remove bool) {
		t.Helper()
		if _, err := desk.Edit(t.Context(), listtopic.Edit{List: "denied", Tenant: tenant, Value: value, Remove: remove, Reason: "a test", Author: "ann"}, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	edit("acme", "dev_1", false)
	edit("", "dev_2", false)
	edit("acme", "dev_file", true)
	processes = append(processes, process())
	w := &deployment{T: t}
	for i, p := range processes {
		w.until(fmt.Sprintf("process %d has the edits", i), func() bool { return p.lists.Edits().Version() >= 3 })
		if err := p.RulesBroken(); err != nil {
			t.Error(err)
		}
		for _, c := range []struct {
			tenant, device string
			want           topics.Outcome
		}{
			{"acme", "dev_1", topics.OutcomeBlock}, {"acme", "dev_2", topics.OutcomeBlock}, {"acme", "dev_file", topics.OutcomePass},
			{"bell", "dev_1", topics.OutcomePass}, {"bell", "dev_2", topics.OutcomeBlock}, {"bell", "dev_file", topics.OutcomeBlock},
		} {
			d := p.guard.evaluate(p.rules.Set(), rules.Input{Command: &topics.Command{Type: topics.CommandCreate, Tenant: c.tenant,
				Amount: 100, Currency: "EUR", Context: &topics.Context{DeviceID: c.device}}})
			if d.Outcome != c.want || d.ListEdits != p.lists.Edits().Version() {
				t.Errorf("process %d, %s %s: %s by the edits before %d, want %s", i, c.tenant, c.device, d.Outcome, d.ListEdits, c.want)
			}
		}
	}
}

// TestNoCommandPassesBeforeTheEditsAreRead: a process that begins waits for them.
func TestNoCommandPassesBeforeTheEditsAreRead(t *testing.T) {
	b := brokertest.New(t, partitions)
	path := editableRules(t)
	kafka := b.Config.Options(slog.New(slog.DiscardHandler))
	role, err := New(Config{Kafka: kafka, Partitions: partitions, Rules: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	desk, err := listtopic.Open(kafka, role.rules.Set)
	if err != nil {
		t.Fatal(err)
	}
	defer desk.Close()
	if _, err := desk.Edit(t.Context(), listtopic.Edit{List: "denied", Tenant: "acme", Value: "dev_1", Reason: "a test", Author: "ann"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	produce(t, b, create()) // from dev_1
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- role.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	var in topics.AssessedCommand
	if err := topics.Unmarshal(read(t, b, topics.Inbox, 1)[0].Value, &in); err != nil {
		t.Fatal(err)
	}
	if in.Decision.Outcome != topics.OutcomeBlock || in.Decision.ListEdits != 1 {
		t.Errorf("%+v", in.Decision)
	}
}

// TestABadRecordDoesNotStopTheLists: what cannot be read, or does not fit, is passed over.
func TestABadRecordDoesNotStopTheLists(t *testing.T) {
	b := brokertest.New(t, partitions)
	client := b.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	good := `{"edit_id":"a","action":"add","list":"denied","match":"exact","value":"dev_1","author":"ann","at":"2026-03-01T12:00:00Z"}`
	for _, value := range []string{"no JSON", strings.Replace(good, `"add"`, `"rename"`, 1), good} {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topics.Lists, Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	reader, err := listtopic.NewReader(b.Config.Options(slog.New(slog.DiscardHandler)), rules.KeepLatest)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	refused := 0
	reader.Refused = func(int64, *topics.ListEdit, error) { refused++ }
	edits, _, err := reader.Read(t.Context())
	if err != nil || edits.Version() != 3 || refused != 2 {
		t.Errorf("version %d, %d refused, %v", edits.Version(), refused, err)
	}
}
