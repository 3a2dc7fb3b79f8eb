package engine

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/weirhq/weir/internal/config"
)

// TestSecretsOfARotation: what is signed with the new or the old secret is taken, anything else is not.
func TestSecretsOfARotation(t *testing.T) {
	secrets := map[string]string{}
	for _, name := range []string{"new", "old", "foreign"} {
		secrets[name] = "whsec_" + strings.Repeat(strings.ToUpper(name[:1]), 32)
	}
	all, err := verifiers(map[string]config.PSP{"acme": {
		Webhook: config.Webhook{Scheme: "standard", Secret: config.Secret(secrets["new"]), OldSecret: config.Secret(secrets["old"])},
	}})
	if err != nil {
		t.Fatal(err)
	}
	now, body := time.Unix(1_614_265_330, 0), []byte(`{"test": 2432232314}`)
	for name, secret := range secrets {
		signer, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := signer.Sign("msg_1", now, body)
		if err != nil {
			t.Fatal(err)
		}
		header := http.Header{}
		header.Set(standardwebhooks.HeaderWebhookID, "msg_1")
		header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
		header.Set(standardwebhooks.HeaderWebhookSignature, signature)
		if _, err := all["acme"].Verify(header, body, now); (err == nil) != (name != "foreign") {
			t.Errorf("signed with the %s secret: %v", name, err)
		}
	}
}
