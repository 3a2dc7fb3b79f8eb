package api

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirhq/weir/topics"
)

// loadDocument reads the document and checks it, its examples included.
func loadDocument(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(Document)
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = nil // requests of tests go to any address
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestEveryOperationOfTheDocumentIsARoute(t *testing.T) {
	var documented, routed []string
	for path, item := range loadDocument(t).Paths.Map() {
		for method := range item.Operations() {
			documented = append(documented, method+" "+path)
		}
	}
	public := map[string]bool{}
	for _, r := range new(API).table(prometheus.NewRegistry()) {
		routed = append(routed, r.pattern)
		public[r.pattern] = r.public
	}
	slices.Sort(documented)
	slices.Sort(routed)
	if !slices.Equal(documented, routed) {
		t.Errorf("the document has\n%s\nand the table\n%s", strings.Join(documented, "\n"), strings.Join(routed, "\n"))
	}
	for path, item := range loadDocument(t).Paths.Map() {
		for method, operation := range item.Operations() {
			open := operation.Security != nil && len(*operation.Security) == 0
			if pattern := method + " " + path; open != public[pattern] {
				t.Errorf("%s: public in the document %v, in the table %v", pattern, open, public[pattern])
			}
		}
	}
}

func TestEveryPathIsRoutable(t *testing.T) {
	if _, err := legacy.NewRouter(loadDocument(t)); err != nil {
		t.Fatal(err)
	}
}

// TestGeneratedTypes fails where api.gen.go is not what the document yields: run go generate ./api.
func TestGeneratedTypes(t *testing.T) {
	out := filepath.Join(t.TempDir(), "api.gen.go")
	command := exec.CommandContext(t.Context(), "go", "run", "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen",
		"-config", "oapi-codegen.yaml", "-o", out, "openapi.yaml")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	want, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("api.gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Error("api.gen.go is not what openapi.yaml yields: run go generate ./api")
	}
}

// Schemas whose Go type is a record's describe exactly its fields.
func TestSchemasOfRecords(t *testing.T) {
	doc := loadDocument(t)
	for name, value := range map[string]any{
		"Card": topics.Card{}, "Context": topics.Context{}, "Challenge": topics.Challenge{},
		"Action": topics.Action{}, "Authentication": topics.AuthData{},
	} {
		var fields, properties []string
		for _, field := range reflect.VisibleFields(reflect.TypeOf(value)) {
			tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			fields = append(fields, tag)
		}
		for property := range doc.Components.Schemas[name].Value.Properties {
			properties = append(properties, property)
		}
		slices.Sort(fields)
		slices.Sort(properties)
		if !slices.Equal(fields, properties) {
			t.Errorf("schema %s has %v, the record %v", name, properties, fields)
		}
	}
}

func TestStatusesOfTheDocument(t *testing.T) {
	var want []string
	for _, status := range statuses() {
		want = append(want, string(status))
	}
	var have []string
	for _, value := range loadDocument(t).Components.Schemas["Status"].Value.Enum {
		if value != statusAccepted {
			have = append(have, value.(string))
		}
	}
	slices.Sort(want)
	slices.Sort(have)
	if !slices.Equal(have, want) {
		t.Errorf("the document has %v, the payments have %v", have, want)
	}
}

// Every status that a refusal is answered with is documented on every write.
func TestRefusalStatusesAreDocumented(t *testing.T) {
	codes := []topics.RefusalCode{
		topics.RefusedDuplicateCommand, topics.RefusedInvalid, topics.RefusedCardNumber, topics.RefusedTooOld, topics.RefusedUnknownPayment, topics.RefusedUnknownPayout, topics.RefusedUnknownDispute, topics.RefusedClosedLoop, topics.RefusedReviewRequired,
		topics.RefusedUnknownAccount, topics.RefusedAccountClosed, topics.RefusedLimitExceeded, topics.RefusedCustomerMismatch, topics.RefusedRegionMismatch, topics.RefusedCurrencyMismatch, topics.RefusedFinished, topics.RefusedWrongState,
		topics.RefusedInProgress, topics.RefusedUnderReview, topics.RefusedExceedsAuthorized, topics.RefusedExceedsCaptured,
		topics.RefusedDisputed, topics.RefusedByDashboardOnly,
		topics.RefusedInsufficientFunds, topics.RefusedUndecodable, topics.RefusedPoison,
	}
	guide, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range codes {
		row := fmt.Sprintf("| `%s` | %d |", code, statusOfRefusal(code))
		if statusOfRefusal(code) < 500 && !strings.Contains(string(guide), row) {
			t.Errorf("docs/api.md lacks the row %s", row)
		}
	}
	for path, item := range loadDocument(t).Paths.Map() {
		if item.Post == nil || !strings.HasPrefix(path, "/v1/intents/{id}/") && !strings.HasPrefix(path, "/v1/wallets/") && !strings.HasPrefix(path, "/v1/payouts") && !strings.HasPrefix(path, "/v1/disputes") {
			continue
		}
		for _, code := range codes {
			if status := statusOfRefusal(code); item.Post.Responses.Status(status) == nil {
				t.Errorf("POST %s: %s is answered with %d %s, which is not documented", path, code, status, http.StatusText(status))
			}
		}
	}
}
