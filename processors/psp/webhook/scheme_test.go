package webhook_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/psp/webhook"
)

// The example of Adyen's documentation.
const (
	adyenKey  = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
	adyenSign = "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="
	adyenItem = `{"NotificationRequestItem":{"additionalData":{"hmacSignature":"` + adyenSign + `"},"amount":{"value":1130,"currency":"EUR"},` +
		`"pspReference":"7914073381342284","eventCode":"AUTHORISATION","eventDate":"2019-05-06T17:15:34.121+02:00",` +
		`"merchantAccountCode":"TestMerchant","operations":["CANCEL"],"merchantReference":"TestPayment-1407325143704","paymentMethod":"visa","success":"true"}}`
	adyenBody = `{"live":"false","notificationItems":[` + adyenItem + `]}`
)

// Those of GitHub's and Slack's documentation, which describe themselves by a template.
const (
	githubKey  = "It's a Secret to Everybody"
	githubSign = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	slackKey   = "8f742231b10e8888abcd99yyyzzz85a5"
	slackBody  = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar" +
		"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands" +
		"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	slackSign = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
)

// The second test of RFC 8032, 7.1: a message of one byte.
const (
	rfcPublic = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
	rfcSign   = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)

var (
	github = webhook.Template{SignatureHeader: "X-Hub-Signature-256", SignaturePrefix: "sha256=", Encoding: "hex", SecretEncoding: "text", Signed: "{body}"}
	slack  = webhook.Template{SignatureHeader: "X-Slack-Signature", SignaturePrefix: "v0=", TimestampHeader: "X-Slack-Request-Timestamp",
		Encoding: "hex", SecretEncoding: "text", Signed: "v0:{timestamp}:{body}"}
)

func mac(key []byte, parts ...string) []byte {
	m := hmac.New(sha256.New, key)
	for _, part := range parts {
		m.Write([]byte(part))
	}
	return m.Sum(nil)
}

func scheme(t testing.TB, s webhook.Scheme) webhook.Verifier {
	t.Helper()
	v, err := webhook.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

var moment = time.Unix(1_700_000_000, 0)

func TestSchemes(t *testing.T) {
	const stripeKey = "whsec_0123456789abcdef0123456789abcdef"
	body := `{"id":"evt_1","type":"charge.refunded"}`
	stripe := func(stamp string, more ...string) http.Header {
		return headers("Stripe-Signature", "t="+stamp+strings.Join(more, "")+",v1="+hex.EncodeToString(mac([]byte(stripeKey), stamp, ".", body)))
	}
	public, private, err := ed25519.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{9}, 64)))
	if err != nil {
		t.Fatal(err)
	}
	nonce := webhook.Template{SignatureHeader: "Sig", TimestampHeader: "At", IDHeader: "Nonce", Encoding: "base64", Signed: "{id}.{timestamp}.{body}"}
	signed := func(stamp, id string) http.Header {
		return headers("Sig", base64.StdEncoding.EncodeToString(ed25519.Sign(private, []byte(id+"."+stamp+"."+body))), "At", stamp, "Nonce", id)
	}
	v1a := headers("webhook-id", "msg_1", "webhook-timestamp", "1700000000", "webhook-signature",
		"v1,AAAA v1a,"+base64.StdEncoding.EncodeToString(ed25519.Sign(private, []byte("msg_1.1700000000."+body))))
	byKey := webhook.Scheme{Name: "ed25519", PublicKeys: []string{hex.EncodeToString(public)}, Template: nonce}
	byStripe := webhook.Scheme{Name: "stripe", Secrets: []string{"whsec_ffffffffffffffffffff", stripeKey}}
	byAdyen := webhook.Scheme{Name: "adyen", Secrets: []string{adyenKey}}
	byGitHub := webhook.Scheme{Name: "hmac", Secrets: []string{githubKey}, Template: github}
	bySlack := webhook.Scheme{Name: "hmac", Secrets: []string{slackKey}, Template: slack}
	for name, c := range map[string]struct {
		scheme webhook.Scheme
		header http.Header
		body   string
		now    time.Time
		id     string
		want   error
	}{
		"standard v1a":                  {webhook.Scheme{Name: "standard", PublicKeys: []string{"whpk_" + base64.StdEncoding.EncodeToString(public)}}, v1a, body, moment, "msg_1", nil},
		"standard v1a, another body":    {webhook.Scheme{Name: "standard", PublicKeys: []string{hex.EncodeToString(public)}}, v1a, body + " ", moment, "", webhook.ErrSignature},
		"standard v1a, stale":           {webhook.Scheme{Name: "standard", PublicKeys: []string{hex.EncodeToString(public)}}, v1a, body, moment.Add(6 * time.Minute), "", webhook.ErrStale},
		"standard v1a, by secret alone": {webhook.Scheme{Name: "standard", Secrets: []string{vectorSecret}}, v1a, body, moment, "", webhook.ErrSignature},

		"stripe, by the old secret":    {byStripe, stripe("1700000000"), body, moment, "evt_1", nil},
		"stripe, several signatures":   {byStripe, stripe("1700000000", ",v1=00ff,v0=77"), body, moment, "evt_1", nil},
		"stripe, 300 s ago":            {byStripe, stripe("1700000000"), body, moment.Add(300 * time.Second), "evt_1", nil},
		"stripe, 301 s ago":            {byStripe, stripe("1700000000"), body, moment.Add(301 * time.Second), "", webhook.ErrStale},
		"stripe, another time":         {byStripe, headers("Stripe-Signature", strings.Replace(stripe("1700000000").Get("Stripe-Signature"), "t=1700000000", "t=1700000001", 1)), body, moment, "", webhook.ErrSignature},
		"stripe, two times":            {byStripe, stripe("1700000000", ",t=1700000001"), body, moment, "", webhook.ErrUnsigned},
		"stripe, v0 alone":             {byStripe, headers("Stripe-Signature", "t=1700000000,v0=00"), body, moment, "", webhook.ErrUnsigned},
		"stripe, too many":             {byStripe, stripe("1700000000", strings.Repeat(",v1=00", 16)), body, moment, "", webhook.ErrUnsigned},
		"stripe, not signed":           {byStripe, nil, body, moment, "", webhook.ErrUnsigned},
		"stripe, retired secret":       {webhook.Scheme{Name: "stripe", Secrets: []string{"whsec_ffffffffffffffffffff"}}, stripe("1700000000"), body, moment, "", webhook.ErrSignature},
		"adyen, the published example": {byAdyen, nil, adyenBody, moment, "sha256_", nil},
		"adyen, by the old secret":     {webhook.Scheme{Name: "adyen", Secrets: []string{strings.Repeat("00", 32), adyenKey}}, nil, adyenBody, moment, "sha256_", nil},
		"adyen, another amount":        {byAdyen, nil, strings.Replace(adyenBody, "1130", "1131", 1), moment, "", webhook.ErrSignature},
		"adyen, an amount of text":     {byAdyen, nil, strings.Replace(adyenBody, "1130", `1.5`, 1), moment, "", webhook.ErrUnsigned},
		"adyen, fields divided anew":   {byAdyen, nil, strings.NewReplacer(`"pspReference":"7914073381342284"`, `"pspReference":"7914073381342284:"`, `"merchantAccountCode":"TestMerchant"`, `"originalReference":"TestMerchant"`).Replace(adyenBody), moment, "", webhook.ErrUnsigned},
		"adyen, one item of two":       {byAdyen, nil, strings.Replace(adyenBody, adyenItem, adyenItem+","+strings.Replace(adyenItem, "1130", "9", 1), 1), moment, "", webhook.ErrSignature},
		"adyen, no items":              {byAdyen, nil, `{"notificationItems":[]}`, moment, "", webhook.ErrUnsigned},
		"adyen, many items":            {byAdyen, nil, `{"notificationItems":[` + strings.Repeat(adyenItem+",", 16) + adyenItem + `]}`, moment, "", webhook.ErrUnsigned},
		"adyen, no signature":          {byAdyen, nil, strings.Replace(adyenBody, adyenSign, "", 1), moment, "", webhook.ErrUnsigned},
		"adyen, no JSON":               {byAdyen, nil, "<xml/>", moment, "", webhook.ErrUnsigned},

		"hmac, GitHub's example":      {byGitHub, headers("X-Hub-Signature-256", githubSign), "Hello, World!", moment, "sha256_dffd6021bb2bd5b0af676290809ec3a5", nil},
		"hmac, another body":          {byGitHub, headers("X-Hub-Signature-256", githubSign), "Hello, World?", moment, "", webhook.ErrSignature},
		"hmac, without its prefix":    {byGitHub, headers("X-Hub-Signature-256", githubSign[7:]), "Hello, World!", moment, "", webhook.ErrUnsigned},
		"hmac, not hexadecimal":       {byGitHub, headers("X-Hub-Signature-256", "sha256=zz"), "Hello, World!", moment, "", webhook.ErrUnsigned},
		"hmac, Slack's example":       {bySlack, headers("X-Slack-Request-Timestamp", "1531420618", "X-Slack-Signature", slackSign), slackBody, time.Unix(1_531_420_618, 0), "sha256_", nil},
		"hmac, a time with colons":    {bySlack, headers("X-Slack-Request-Timestamp", "2023-11-14T22:13:20Z", "X-Slack-Signature", slackSign), slackBody, moment, "", webhook.ErrUnsigned},
		"ed25519, RFC 8032":           {webhook.Scheme{Name: "ed25519", PublicKeys: []string{rfcPublic}, Template: webhook.Template{SignatureHeader: "Sig", Encoding: "hex", Signed: "{body}"}}, headers("Sig", rfcSign), "r", moment, "sha256_", nil},
		"ed25519, time and nonce":     {byKey, signed("1700000000", "n-1"), body, moment, "n-1", nil},
		"ed25519, milliseconds":       {byKey, signed("1700000000123", "n-1"), body, moment, "n-1", nil},
		"ed25519, RFC 3339":           {byKey, signed("2023-11-14T22:13:20Z", "n-1"), body, moment, "n-1", nil},
		"ed25519, stale":              {byKey, signed("1700000000", "n-1"), body, moment.Add(-6 * time.Minute), "", webhook.ErrStale},
		"ed25519, another nonce":      {byKey, headers("Sig", signed("1700000000", "n-1").Get("Sig"), "At", "1700000000", "Nonce", "n-2"), body, moment, "", webhook.ErrSignature},
		"ed25519, a nonce that moves": {byKey, signed("1700000000", "n.1"), body, moment, "", webhook.ErrUnsigned},
		"ed25519, no nonce":           {byKey, headers("Sig", signed("1700000000", "n-1").Get("Sig"), "At", "1700000000"), body, moment, "", webhook.ErrUnsigned},
		"ed25519, no time":            {byKey, headers("Sig", signed("1700000000", "n-1").Get("Sig"), "Nonce", "n-1"), body, moment, "", webhook.ErrUnsigned},
		"ed25519, a time with parts":  {byKey, signed("2023-11-14T22:13:20.5Z", "n-1"), body, moment, "", webhook.ErrUnsigned},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := scheme(t, c.scheme).Verify(c.header, []byte(c.body), c.now)
			if !errors.Is(err, c.want) || err == nil && (!strings.HasPrefix(got.ID, c.id) || got.Accepted != "" != (c.scheme.Name == "adyen")) {
				t.Errorf("Verify = %+v, %v; want %q, %v", got, err, c.id, c.want)
			}
		})
	}
}

func TestSchemesThatAreRefused(t *testing.T) {
	with := func(change func(*webhook.Template)) webhook.Scheme {
		template := slack
		change(&template)
		return webhook.Scheme{Name: "hmac", Secrets: []string{slackKey}, Template: template}
	}
	for name, c := range map[string]struct {
		scheme webhook.Scheme
		want   string
	}{
		"no such scheme":       {webhook.Scheme{Name: "md5", Secrets: []string{slackKey}}, "want standard, stripe, adyen, hmac or ed25519"},
		"no secret":            {webhook.Scheme{Name: "stripe"}, "secret: every scheme"},
		"three secrets":        {webhook.Scheme{Name: "stripe", Secrets: []string{slackKey, slackKey, slackKey}}, "at most 2"},
		"three public keys":    {webhook.Scheme{Name: "ed25519", PublicKeys: []string{rfcPublic, rfcPublic, rfcPublic}}, "at most 2"},
		"stripe's is short":    {webhook.Scheme{Name: "stripe", Secrets: []string{"whsec_1"}}, "secret: is 7 bytes long, want at least 16"},
		"adyen's is no hex":    {webhook.Scheme{Name: "adyen", Secrets: []string{adyenKey, "xyz"}}, "old_secret: is not hexadecimal"},
		"standard's no base64": {webhook.Scheme{Name: "standard", Secrets: []string{"whsec_?"}}, "secret: is not base64"},
		"a public key is cut":  {webhook.Scheme{Name: "standard", PublicKeys: []string{rfcPublic, rfcPublic[2:]}}, "old_public_key: want 32 bytes"},
		"a key for stripe":     {webhook.Scheme{Name: "stripe", Secrets: []string{slackKey}, PublicKeys: []string{rfcPublic}}, "public_key: is for"},
		"a secret for ed25519": {webhook.Scheme{Name: "ed25519", Secrets: []string{slackKey}, PublicKeys: []string{rfcPublic}}, "secret: every scheme"},
		"no public key":        {webhook.Scheme{Name: "ed25519"}, "ed25519 needs it"},
		"no header":            {with(func(t *webhook.Template) { t.SignatureHeader = "" }), "signature_header"},
		"no header's name":     {with(func(t *webhook.Template) { t.TimestampHeader = "X:Y" }), "timestamp_header"},
		"encoding":             {with(func(t *webhook.Template) { t.Encoding = "base32" }), "want hex or base64"},
		"secret's encoding":    {with(func(t *webhook.Template) { t.SecretEncoding = "" }), "want text, hex or base64"},
		"body is not signed":   {with(func(t *webhook.Template) { t.Signed = "{timestamp}" }), "want {body} once"},
		"time is not signed":   {with(func(t *webhook.Template) { t.Signed = "{body}" }), "want {body} once"},
		"time has no header":   {with(func(t *webhook.Template) { t.TimestampHeader = "" }), "want {body} once"},
		"body twice":           {with(func(t *webhook.Template) { t.Signed = "{timestamp}.{body}.{body}" }), "want {body} once"},
		"another placeholder":  {with(func(t *webhook.Template) { t.Signed = "{timestamp}.{body}.{url}" }), "{url} is no placeholder"},
		"a brace is open":      {with(func(t *webhook.Template) { t.Signed = "{timestamp}.{body}{" }), "not closed"},
		"nothing between":      {with(func(t *webhook.Template) { t.Signed = "{timestamp}{body}" }), "want a separator"},
		"a digit between":      {with(func(t *webhook.Template) { t.Signed = "{timestamp}0{body}" }), "want a separator"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := webhook.New(c.scheme)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			for _, secret := range c.scheme.Secrets {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows a secret: %v", err)
				}
			}
		})
	}
}

// FuzzVerify: nothing that a stranger sends is taken, none of it panics, and each refusal is one that the API knows.
func FuzzVerify(f *testing.F) {
	all := map[string]webhook.Verifier{
		"standard": scheme(f, webhook.Scheme{Name: "standard", Secrets: []string{vectorSecret}, PublicKeys: []string{rfcPublic}}),
		"stripe":   scheme(f, webhook.Scheme{Name: "stripe", Secrets: []string{slackKey, githubKey}}),
		"adyen":    scheme(f, webhook.Scheme{Name: "adyen", Secrets: []string{strings.Repeat("5a", 32)}}),
		"hmac":     scheme(f, webhook.Scheme{Name: "hmac", Secrets: []string{githubKey}, Template: slack}),
		"ed25519": scheme(f, webhook.Scheme{Name: "ed25519", PublicKeys: []string{rfcPublic}, Template: webhook.Template{
			SignatureHeader: "Sig", Encoding: "base64", IDHeader: "Nonce", Signed: "{id}|{body}"}}),
	}
	f.Add("v1,AAAA v1a,BBBB", "1700000000", "msg_1", []byte(adyenBody))
	f.Add("t=1700000000,v1=00", "+5", "n|1", []byte(`{"notificationItems":[{"NotificationRequestItem":{"amount":{"value":1e99}}}]}`))
	f.Add("v0="+strings.Repeat("00", 32), "2023-11-14T22:13:20Z", "\xff\x00", []byte(strings.Repeat("[", 10_000)))
	f.Add(strings.Repeat("v1=00,", 4000), "9223372036854775808", strings.Repeat("x", 10_000), []byte(nil))
	f.Fuzz(func(t *testing.T, signature, stamp, id string, body []byte) {
		h := headers("webhook-id", id, "webhook-timestamp", stamp, "webhook-signature", signature, "Stripe-Signature", signature,
			"X-Slack-Signature", signature, "X-Slack-Request-Timestamp", stamp, "Sig", signature, "Nonce", id)
		for name, v := range all {
			got, err := v.Verify(h, body, moment)
			if !errors.Is(err, webhook.ErrUnsigned) && !errors.Is(err, webhook.ErrSignature) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
			if len(fmt.Sprint(err)) > 1000 {
				t.Errorf("%s: an error of %d bytes", name, len(fmt.Sprint(err)))
			}
		}
	})
}
