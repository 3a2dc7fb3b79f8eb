package webhook_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/weirhq/weir/processors/psp/webhook"
)

// The vector that Standard Webhooks publishes.
const (
	vectorSecret    = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorTime      = 1614265330
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func vectorHeader() http.Header {
	h := http.Header{}
	h.Set("webhook-id", vectorID)
	h.Set("webhook-timestamp", strconv.Itoa(vectorTime))
	h.Set("webhook-signature", vectorSignature)
	return h
}

func standard(t *testing.T, secrets ...string) *webhook.Standard {
	t.Helper()
	s, err := webhook.NewStandard(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPublishedVector(t *testing.T) {
	for _, secret := range []string{vectorSecret, "whsec_" + vectorSecret} {
		got, err := standard(t, secret).Verify(vectorHeader(), []byte(vectorBody), time.Unix(vectorTime, 0))
		if err != nil || got.ID != vectorID {
			t.Fatalf("Verify = %q, %v; want %q", got.ID, err, vectorID)
		}
	}
}

func TestRefusedDeliveries(t *testing.T) {
	signed := time.Unix(vectorTime, 0)
	drop := func(name string) func(http.Header) { return func(h http.Header) { h.Del(name) } }
	set := func(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
	for name, c := range map[string]struct {
		change func(http.Header)
		body   string
		now    time.Time
		want   error
	}{
		"no id":                   {drop("webhook-id"), vectorBody, signed, webhook.ErrUnsigned},
		"no time":                 {drop("webhook-timestamp"), vectorBody, signed, webhook.ErrUnsigned},
		"no signature":            {drop("webhook-signature"), vectorBody, signed, webhook.ErrUnsigned},
		"time is not a number":    {set("webhook-timestamp", "soon"), vectorBody, signed, webhook.ErrUnsigned},
		"time with a sign":        {set("webhook-timestamp", "+1614265330"), vectorBody, signed, webhook.ErrUnsigned},
		"time beyond all times":   {set("webhook-timestamp", "99999999999999999999"), vectorBody, signed, webhook.ErrUnsigned},
		"id with a full stop":     {set("webhook-id", "msg.1"), vectorBody, signed, webhook.ErrUnsigned},
		"id that is too long":     {set("webhook-id", strings.Repeat("m", 129)), vectorBody, signed, webhook.ErrUnsigned},
		"id that is no ASCII":     {set("webhook-id", "msg_\xff"), vectorBody, signed, webhook.ErrUnsigned},
		"two ids":                 {func(h http.Header) { h.Add("webhook-id", "msg_other") }, vectorBody, signed, webhook.ErrUnsigned},
		"two signature headers":   {func(h http.Header) { h.Add("webhook-signature", vectorSignature) }, vectorBody, signed, webhook.ErrUnsigned},
		"a huge header":           {set("webhook-signature", strings.Repeat("v1,g0hM ", 1000)+vectorSignature), vectorBody, signed, webhook.ErrUnsigned},
		"too many signatures":     {set("webhook-signature", strings.Repeat("v1,AA ", 16)+vectorSignature), vectorBody, signed, webhook.ErrUnsigned},
		"another id":              {set("webhook-id", "msg_other"), vectorBody, signed, webhook.ErrSignature},
		"another time":            {set("webhook-timestamp", "1614265331"), vectorBody, signed, webhook.ErrSignature},
		"another body":            {func(http.Header) {}, vectorBody + " ", signed, webhook.ErrSignature},
		"signature of no version": {set("webhook-signature", "g0hM9SsE"), vectorBody, signed, webhook.ErrSignature},
		"signature of version 2":  {set("webhook-signature", "v2"+vectorSignature[2:]), vectorBody, signed, webhook.ErrSignature},
		"replayed too late":       {func(http.Header) {}, vectorBody, signed.Add(webhook.Tolerance + time.Second), webhook.ErrStale},
		"signed in the future":    {func(http.Header) {}, vectorBody, signed.Add(-webhook.Tolerance - time.Second), webhook.ErrStale},
	} {
		t.Run(name, func(t *testing.T) {
			h := vectorHeader()
			c.change(h)
			if _, err := standard(t, vectorSecret).Verify(h, []byte(c.body), c.now); !errors.Is(err, c.want) {
				t.Fatalf("Verify: %v; want %v", err, c.want)
			}
		})
	}
}

func TestEdgeOfTheReplayWindow(t *testing.T) {
	for _, skew := range []time.Duration{webhook.Tolerance, -webhook.Tolerance} {
		if _, err := standard(t, vectorSecret).Verify(vectorHeader(), []byte(vectorBody), time.Unix(vectorTime, 0).Add(skew)); err != nil {
			t.Errorf("%s from now: %v", skew, err)
		}
	}
}

func TestRotation(t *testing.T) {
	other := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	both := standard(t, other, vectorSecret)
	now := time.Unix(vectorTime, 0)
	if _, err := both.Verify(vectorHeader(), []byte(vectorBody), now); err != nil {
		t.Errorf("signed with the old secret while both are live: %v", err)
	}
	signer, err := standardwebhooks.NewWebhook(other)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign(vectorID, now, []byte(vectorBody))
	if err != nil {
		t.Fatal(err)
	}
	h := vectorHeader()
	h.Set("webhook-signature", signature)
	if _, err := both.Verify(h, []byte(vectorBody), now); err != nil {
		t.Errorf("signed with the new secret while both are live: %v", err)
	}
	if _, err := standard(t, other).Verify(vectorHeader(), []byte(vectorBody), now); !errors.Is(err, webhook.ErrSignature) {
		t.Errorf("signed with a retired secret: %v; want %v", err, webhook.ErrSignature)
	}
	h.Set("webhook-signature", signature+" "+vectorSignature)
	if _, err := standard(t, vectorSecret).Verify(h, []byte(vectorBody), now); err != nil {
		t.Errorf("two signatures of which the second is ours: %v", err)
	}
}

func TestSecretsAreCheckedAndNeverShown(t *testing.T) {
	for _, secrets := range [][]string{{}, {"not base64 !"}, {"c2hvcnQ="}, {vectorSecret, vectorSecret, vectorSecret}} {
		_, err := webhook.NewStandard(secrets...)
		if err == nil {
			t.Errorf("%d secrets were accepted", len(secrets))
			continue
		}
		for _, secret := range secrets {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("error shows the secret: %v", err)
			}
		}
	}
}

func TestVerifiers(t *testing.T) {
	verifiers := webhook.Verifiers{"sandbox": standard(t, vectorSecret)}
	now := time.Unix(vectorTime, 0)
	if _, err := verifiers.Verify("sandbox", vectorHeader(), []byte(vectorBody), now); err != nil {
		t.Error(err)
	}
	if _, err := verifiers.Verify("nobody", vectorHeader(), []byte(vectorBody), now); !errors.Is(err, webhook.ErrUnknownPSP) {
		t.Errorf("unknown PSP: %v", err)
	}
	if _, err := verifiers.Verify("sandbox", vectorHeader(), make([]byte, webhook.MaxBody+1), now); !errors.Is(err, webhook.ErrTooLarge) {
		t.Errorf("large body: %v", err)
	}
}
