package engine_test

import (
	"bytes"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/customerkeys"
	"github.com/weirhq/weir/internal/engine"
	"github.com/weirhq/weir/internal/fsck"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// registry asks for records of customers.
type registry struct {
	*testing.T
	*engine.Engine
}

// send sends a request with a precondition, such as "If-Match: x", or none.
func (r registry) send(method, customer, precondition, body string) (status int, header http.Header, answer string) {
	r.Helper()
	request, err := http.NewRequestWithContext(r.Context(), method, r.URL+"/v1/customers/"+customer, strings.NewReader(body))
	if err != nil {
		r.Error(err)
		return 0, nil, ""
	}
	request.Header.Set("Authorization", "Bearer "+config.DevelopmentKey)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if name, value, found := strings.Cut(precondition, ": "); found {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.Error(err)
		return 0, nil, ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.Error(err)
	}
	return response.StatusCode, response.Header, string(text)
}

// ask wants an answer of that status, with a text in it, and returns its ETag and body.
func (r registry) ask(method, customer, precondition, body string, wantStatus int, want string) string {
	r.Helper()
	status, header, answer := r.send(method, customer, precondition, body)
	if status != wantStatus || !strings.Contains(answer, want) {
		r.Errorf("%s %s %s: %d %s, want %d and %s", method, customer, precondition, status, answer, wantStatus, want)
	}
	return header.Get("ETag") + " " + answer
}

const (
	profileOfErika = `{"status":"active","kyc_level":"verified","country":"DE","nationality":"DE","pep":false,"expected_turnover":{"amount":200000,"currency":"EUR"},
"personal":{"names":["Erika Mustermann","Erika Gabler"],"birth_date":"1984-08-12","address":"Heidestrasse 17, Koeln","occupation":"lighthouse keeper","source_of_funds":"salary of a lighthouse"},"reason":"onboarding"}`
	first = "If-None-Match: *"
)

// plainly are texts of Erika's that must stand nowhere.
var plainly = []string{"Mustermann", "Gabler", "1984-08-12", "Heidestrasse", "lighthouse"}

// TestCustomers writes, reads, changes and erases a record over HTTP; what tells who the customer is stands in no file and no log.
func TestCustomers(t *testing.T) {
	cfg := load(t)
	logs := new(lockedBuffer)
	e := start(t, cfg, slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug})))
	r := registry{t, e}
	r.ask(http.MethodGet, "erika", "", "", 404, "there is no record of this customer")
	r.ask(http.MethodPut, "erika", "", profileOfErika, 428, "precondition_required")
	r.ask(http.MethodPut, "erika", `If-Match: "1"`, profileOfErika, 412, "there is no record of the customer")

	// A crash after the data key was stored and before the command was written leaves the key, which the next record takes.
	masters, err := cfg.CustomerKeys()
	if err != nil {
		t.Fatal(err)
	}
	owner := view.Owner{Partition: topics.PartitionOf(config.DevelopmentTenant, "erika", cfg.Kafka.Partitions), Tenant: config.DevelopmentTenant, Customer: "erika"}
	left, err := masters.New(owner.Tenant, owner.Customer)
	if err != nil {
		t.Fatal(err)
	}
	if err := customerkeys.Put(t.Context(), e.Database.Pool, owner.Partition, view.CustomerID(owner), owner.Tenant, owner.Customer, left); err != nil {
		t.Fatal(err)
	}
	wrote := r.ask(http.MethodPut, "erika", first, profileOfErika, 201, `"personal_fields":["names","birth_date","address","occupation","source_of_funds"]`)
	stored, err := view.GetCustomer(t.Context(), e.Database.Pool, owner)
	if err != nil || stored.Record.Data.Personal.KeyID != left.KeyID.String() {
		t.Fatalf("%+v, %v: want it encrypted by key %s", stored.Record, err, left.KeyID)
	}

	// Who has not heard the answer asks again: once it is done, it is done.
	if again := r.ask(http.MethodPut, "erika", first, profileOfErika, 201, `"version":1`); again != wrote {
		t.Errorf("asked again: %s, at first %s", again, wrote)
	}
	r.ask(http.MethodPut, "erika", first, strings.Replace(profileOfErika, "1984", "1985", 1), 412, "version_conflict")
	shown := r.ask(http.MethodGet, "erika", "", "", 200, `"kyc_level":"verified"`)
	for _, text := range plainly {
		if strings.Contains(wrote+shown, text) {
			t.Errorf("%q is shown: %s %s", text, wrote, shown)
		}
	}
	r.ask(http.MethodGet, "erika?personal=true", "", "", 200, `"personal":{"names":["Erika Mustermann","Erika Gabler"],"birth_date":"1984-08-12"`)
	if !strings.Contains(logs.String(), "personal data was read") {
		t.Error("the log does not tell that personal data was read")
	}
	r.ask(http.MethodPut, "erika", `If-Match: "1"`, strings.Replace(profileOfErika, "verified", "enhanced", 1), 200, `"version":2`)

	for bad, want := range map[string]string{
		`"UK"`:                                        `country: is not a country; want an ISO 3166-1 code of two capitals, such as DE`,
		`"DE","nickname":"E"`:                         `field \"nickname\": is not known`,
		`"DE","reason":"again"`:                       `field \"reason\": is given twice`,
		`"DE","personal":{"nam":[]}`:                  `field \"personal.nam\": is not known`,
		`"DE","pep":"no"`:                             `\"pep\": got a string, want`,
		`"DE","kyc_level":"complete"`:                 `kyc_level: is none of none, basic, verified, enhanced`,
		`"DE","personal":{"birth_date":"2999-01-01"}`: `personal.birth_date: lies in the future; want the day of birth`,
		`"DE","personal":{"birth_date":"12.8.1984"}`:  `personal.birth_date: is not a date; want one such as 1990-01-31`,
		`"DE","personal":{"names":["a\u0000b"]}`:      `personal.names[0]: holds control characters`,
		`"DE","personal":{"names":["a",""]}`:          `personal.names[1]: is empty`,
		`"DE","personal":{"names":["` + strings.Repeat("x", 201) + `"]}`:             `personal.names[0]: is too long; want at most 200 characters`,
		`"DE","personal":{"address":"card 4111 1111 1111 1111"}`:                     `card_number`,
		`"DE","personal":{"occupation":"` + strings.Repeat("\u00fc", 300<<10) + `"}`: `too_large`,
	} {
		body := `{"status":"active","reason":"test","country":` + bad + `}`
		if !strings.Contains(bad, "kyc_level") {
			body = strings.Replace(body, "{", `{"kyc_level":"basic",`, 1)
		}
		status := 422
		switch {
		case strings.HasPrefix(want, "field"), strings.HasPrefix(want, `\"`):
			status = 400
		case want == "too_large":
			status = 413
		}
		r.ask(http.MethodPut, "erika", `If-Match: "2"`, body, status, want)
	}

	for _, text := range plainly {
		if found := filesWith(t, cfg.DataDir, text); len(found) > 0 {
			t.Errorf("%q stands in %v", text, found)
		}
		if strings.Contains(logs.String(), text) {
			t.Errorf("%q stands in the log", text)
		}
	}

	r.ask(http.MethodDelete, "erika?reason=asked+for", `If-Match: "1"`, "", 412, "version 2")
	erased := r.ask(http.MethodDelete, "erika?reason=asked+for", "", "", 200, `"erased":true`)
	if again := r.ask(http.MethodDelete, "erika?reason=asked+for", "", "", 200, `"version":3`); again != erased {
		t.Errorf("erased again: %s, at first %s", again, erased)
	}
	r.ask(http.MethodGet, "erika?personal=true", "", "", 200, `"version":3,"erased":true`)
	r.ask(http.MethodDelete, "nobody?reason=asked+for", "", "", 404, "not_found")
	r.ask(http.MethodPut, "erika", `If-Match: "3"`, profileOfErika, 200, `"version":4`) // who comes back
	changes := 0
	events, err := view.NewEventLog(e.Database.Pool)
	if err != nil {
		t.Fatal(err)
	}
	log, err := events.Customer(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range log {
		if changes++; c.Version != int64(changes) || c.Author == "" || c.Reason == "" || c.At.IsZero() {
			t.Errorf("change %d: %+v", changes, c)
		}
		if c.Version < 3 && c.Record.Data.Personal.KeyID == keyNow(t, e, owner) {
			t.Error("what was written before it was erased is encrypted by the key of now")
		}
	}
	if changes != 4 {
		t.Errorf("%d changes are known, want 4", changes)
	}
	r.crowd("frida")
	gone := view.Owner{Partition: topics.PartitionOf(config.DevelopmentTenant, "gustav", cfg.Kafka.Partitions), Tenant: config.DevelopmentTenant, Customer: "gustav"}
	if err := customerkeys.Put(t.Context(), e.Database.Pool, gone.Partition, view.CustomerID(gone), gone.Tenant, gone.Customer, left); err != nil {
		t.Fatal(err)
	}
	r.ask(http.MethodDelete, "gustav?reason=a+crash+left+a+key", "", "", 200, `"version":1,"erased":true`)
	if found, err := view.GetCustomer(t.Context(), e.Database.Pool, gone); err != nil || found.Key != nil {
		t.Errorf("the data key that a crash left is still there: %+v, %v", found, err)
	}
	if found := checkCustomers(t, e, masters); len(found) > 0 {
		t.Errorf("fsck: %s", strings.Join(found, "\n"))
	}
}

// crowd has several people write and erase one customer's record at the same time. Each change is of the version that was read, or is
// refused; whatever stands can be read whenever it is looked at.
func (r registry) crowd(customer string) {
	r.Helper()
	do := func(method, path, precondition string) (status int, etag, answer string) {
		body := ""
		if method == http.MethodPut {
			body = profileOfErika
		}
		status, header, answer := r.send(method, path, precondition, body)
		return status, header.Get("ETag"), answer
	}
	var group sync.WaitGroup
	for person := range 4 {
		group.Go(func() {
			for i := range 6 {
				status, etag, answer := do(http.MethodGet, customer+"?personal=true", "")
				precondition := "If-Match: " + etag
				if status == http.StatusNotFound {
					precondition = first
				} else if status != http.StatusOK || !strings.Contains(answer, "Mustermann") && !strings.Contains(answer, `"erased":true`) {
					r.Errorf("read by %d: %d %s", person, status, answer)
				}
				if (i+person)%3 == 2 && precondition != first {
					status, _, answer = do(http.MethodDelete, customer+"?reason=asked+for", precondition)
				} else {
					status, _, answer = do(http.MethodPut, customer, precondition)
				}
				if status != http.StatusOK && status != http.StatusCreated && status != http.StatusPreconditionFailed {
					r.Errorf("changed by %d: %d %s", person, status, answer)
				}
			}
		})
	}
	group.Wait()
}

func keyNow(t *testing.T, e *engine.Engine, o view.Owner) string {
	t.Helper()
	found, err := view.GetCustomer(t.Context(), e.Database.Pool, o)
	if err != nil || found.Key == nil {
		t.Fatalf("%+v, %v", found, err)
	}
	return found.Key.KeyID.String()
}

// checkCustomers is fsck with the master keys.
func checkCustomers(t *testing.T, e *engine.Engine, masters *customerkeys.Masters) (found []string) {
	t.Helper()
	counts, err := fsck.Run(t.Context(), fsck.Config{Database: e.Database, Kafka: e.Kafka, CustomerKeys: masters,
		Problem: func(p fsck.Problem) { found = append(found, p.String()) }})
	if err != nil || counts.Customers.Load() != 3 {
		t.Fatalf("%d customers were checked, %v", counts.Customers.Load(), err)
	}
	return found
}

// filesWith are the files below a directory that hold a text.
func filesWith(t *testing.T, dir, text string) (found []string) {
	t.Helper()
	searched := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil // it went away meanwhile
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		searched++
		if bytes.Contains(data, []byte(text)) {
			found = append(found, path)
		}
		return nil
	})
	if err != nil || searched < 10 {
		t.Fatalf("%d files were searched, %v", searched, err)
	}
	return found
}
