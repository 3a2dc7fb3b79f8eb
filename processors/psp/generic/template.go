package generic

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// variables are what a file may put into a call, each with what it is.
var variables = map[string]func(*values) (string, kind){
	"payment_id":           func(v *values) (string, kind) { return v.r.PaymentID, isText },
	"request_id":           func(v *values) (string, kind) { return v.r.RequestID, isText },
	"amount":               func(v *values) (string, kind) { return v.amount, v.amountKind },
	"currency":             func(v *values) (string, kind) { return v.r.Currency, isText },
	"reference":            func(v *values) (string, kind) { return v.r.PSPReference, isText },
	"tenant":               func(v *values) (string, kind) { return v.r.Tenant, isText },
	"customer_id":          func(v *values) (string, kind) { return v.r.CustomerID, isText },
	"merchant_reference":   func(v *values) (string, kind) { return v.r.MerchantReference, isText },
	"return_url":           func(v *values) (string, kind) { return v.r.ReturnURL, isText },
	"statement_descriptor": func(v *values) (string, kind) { return v.r.StatementDescriptor, isText },
	"capture":              func(v *values) (string, kind) { return strconv.FormatBool(v.r.Capture), isLiteral },
	"three_ds":             func(v *values) (string, kind) { return strconv.FormatBool(v.r.ThreeDS), isLiteral },
	"card_token": func(v *values) (string, kind) {
		if v.r.Card == nil {
			return "", isText
		}
		return v.r.Card.Token, isText
	},
	"method":            func(v *values) (string, kind) { return v.r.PaymentMethod.Kind(), isText },
	"method_name":       func(v *values) (string, kind) { return v.methodName(), isText },
	"credential_use":    func(v *values) (string, kind) { return v.credential().Use, isText },
	"mandate_type":      func(v *values) (string, kind) { return string(v.credential().Kind), isText },
	"network_reference": func(v *values) (string, kind) { return v.credential().NetworkReference, isText },
	"challenge_result":  func(v *values) (string, kind) { return v.challenge().Result, isText },
	"challenge_payload": func(v *values) (string, kind) { return v.challenge().Payload, isText },
	"secret":            func(v *values) (string, kind) { return v.secret, isText },
}

// secretName is the variable that stands in headers and bodies only: paths and queries are logged on the way.
const secretName = "secret"

type kind int

const (
	isText    kind = iota
	isLiteral      // a number or a boolean: without quotes in JSON
)

// values are what stands for the variables in one call.
type values struct {
	r          *topics.PSPRequest
	amount     string
	amountKind kind
	secret     string
}

func (v *values) methodName() string {
	if v.r.PaymentMethod == nil {
		return ""
	}
	return v.r.PaymentMethod.Name
}

func (v *values) challenge() topics.Challenge {
	if v.r.Challenge == nil {
		return topics.Challenge{}
	}
	return *v.r.Challenge
}

func (v *values) credential() topics.StoredCredential {
	if v.r.StoredCredential == nil {
		return topics.StoredCredential{}
	}
	return *v.r.StoredCredential
}

// valuesOf reads a request. Its amount is written as the PSP wants it.
func (d *Definition) valuesOf(r *topics.PSPRequest, secret string) (*values, error) {
	currency := ledger.Currency(r.Currency)
	if _, ok := currency.Exponent(); !ok {
		return nil, fmt.Errorf("currency %.8q: is not one of ISO 4217", r.Currency)
	}
	v := &values{r: r, amount: strconv.FormatInt(r.Amount, 10), amountKind: isLiteral, secret: secret}
	if d.Decimal {
		v.amount, _, _ = strings.Cut(ledger.Money{Minor: r.Amount, Currency: currency}.String(), " ")
		v.amountKind = isText
	}
	return v, nil
}

// template is a text with variables in it: part, variable, part, …
type template struct {
	parts []string // every second one is a variable
}

func parseTemplate(text string) (template, error) {
	var t template
	for {
		before, rest, found := strings.Cut(text, "${")
		t.parts = append(t.parts, before)
		if !found {
			return t, nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return t, fmt.Errorf("a ${ without its }")
		}
		if variables[name] == nil {
			return t, &unknownVariable{name}
		}
		t.parts, text = append(t.parts, name), after
	}
}

// unknownVariable is a mistake that a hint can help with.
type unknownVariable struct{ name string }

func (u *unknownVariable) Error() string { return fmt.Sprintf("unknown variable %q", u.name) }

func variableNames() []string {
	names := make([]string, 0, len(variables))
	for name := range variables {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// alone is the template's variable where it is nothing else.
func (t template) alone() (name string, ok bool) {
	if len(t.parts) == 3 && t.parts[0] == "" && t.parts[2] == "" {
		return t.parts[1], true
	}
	return "", false
}

func (t template) uses(name string) bool {
	for i := 1; i < len(t.parts); i += 2 {
		if t.parts[i] == name {
			return true
		}
	}
	return false
}

// lacking is a variable that the request does not have.
type lacking struct{ name string }

func (l *lacking) Error() string { return fmt.Sprintf("the request has no %s", l.name) }

// fill puts the values in, each as encode writes it. A variable without a value is an error.
func (t template) fill(v *values, encode func(string) string) (string, error) {
	var b strings.Builder
	for i, part := range t.parts {
		if i%2 == 0 {
			b.WriteString(part)
			continue
		}
		text, _ := variables[part](v)
		if text == "" {
			return "", &lacking{part}
		}
		b.WriteString(encode(text))
	}
	return b.String(), nil
}

func asIs(s string) string { return s }

// fillSegment is a part of a path. A value in it can neither end it nor lead up.
func (t template) fillSegment(v *values) (string, error) {
	text, err := t.fill(v, asIs)
	if err != nil {
		return "", err
	}
	if len(t.parts) > 1 && (strings.Trim(text, ".") == "" || strings.ContainsAny(text, "/\\")) {
		return "", fmt.Errorf("%.64q cannot be a part of a path", text)
	}
	return url.PathEscape(text), nil
}

// fillHeader is a value of a header, which has one line of visible characters.
func (t template) fillHeader(v *values) (string, error) {
	text, err := t.fill(v, asIs)
	if err != nil {
		return "", err
	}
	for _, c := range []byte(text) {
		if c < ' ' || c == 0x7f {
			return "", errors.New("a header cannot hold control characters")
		}
	}
	return text, nil
}

// value is a JSON body: an object, a list, or a leaf.
type value interface {
	// build is the value with its variables filled in. ok is false for one that is left out: a variable alone that the
	// request does not have.
	build(v *values) (built any, ok bool, err error)
}

type (
	object  []member
	list    []value
	literal struct{ json json.RawMessage } // a number, a boolean or null, as the file has it
)

type member struct {
	name string
	value
}

func (o object) build(v *values) (any, bool, error) {
	built := make(map[string]any, len(o))
	for _, m := range o {
		inner, ok, err := m.value.build(v)
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", m.name, err)
		}
		if ok {
			built[m.name] = inner
		}
	}
	return built, true, nil
}

func (l list) build(v *values) (any, bool, error) {
	built := make([]any, 0, len(l))
	for _, one := range l {
		inner, ok, err := one.build(v)
		if err != nil {
			return nil, false, err
		}
		if ok {
			built = append(built, inner)
		}
	}
	return built, true, nil
}

func (l literal) build(*values) (any, bool, error) { return l.json, true, nil }

func (t template) build(v *values) (any, bool, error) {
	if name, alone := t.alone(); alone {
		text, kind := variables[name](v)
		if kind == isLiteral {
			return json.RawMessage(text), true, nil
		}
		return text, text != "", nil
	}
	text, err := t.fill(v, asIs)
	return text, err == nil, err
}
