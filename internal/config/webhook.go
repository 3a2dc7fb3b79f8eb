package config

import (
	"slices"
	"time"
)

// Webhook is how a PSP signs what it sends us. Which keys a scheme reads stands in docs/webhooks.md.
type Webhook struct {
	Scheme          string `key:"scheme" validate:"oneof=standard stripe adyen hmac ed25519" doc:"How the PSP signs webhooks: standard (Standard Webhooks, v1 and v1a), stripe, adyen, hmac (HMAC-SHA256) or ed25519; the last two are described by the keys below."`
	Secret          Secret `key:"secret" doc:"Secret that the PSP signs with: base64 for standard, hexadecimal for adyen, for hmac as secret_encoding says, otherwise as it is. Without it and public_key the PSP's webhooks are refused."`
	OldSecret       Secret `key:"old_secret" doc:"The secret before it, which is taken as well for as long as a rotation lasts."`
	PublicKey       string `key:"public_key" doc:"For standard (v1a) and ed25519: the PSP's public key, 32 bytes in base64 or hexadecimal."`
	OldPublicKey    string `key:"old_public_key" doc:"The public key before it, which is taken as well for as long as a rotation lasts."`
	SecretEncoding  string `key:"secret_encoding" validate:"oneof=text hex base64" doc:"For hmac: how secret spells its bytes: text, hex or base64."`
	SignatureHeader string `key:"signature_header" doc:"For hmac and ed25519: header that holds the signature."`
	SignaturePrefix string `key:"signature_prefix" doc:"For hmac and ed25519: what stands before the signature in its header, such as sha256=."`
	Encoding        string `key:"encoding" validate:"oneof=hex base64" doc:"For hmac and ed25519: how the signature is spelt: hex or base64."`
	TimestampHeader string `key:"timestamp_header" doc:"For hmac and ed25519: header that holds the signed time, as Unix seconds or milliseconds or as RFC 3339. Empty: there is none, and a repeat is known by the PSP's event id alone."`
	IDHeader        string `key:"id_header" doc:"For hmac and ed25519: header that holds the delivery's id or nonce. Empty: the delivery is named by a hash of its body."`
	Signed          string `key:"signed" doc:"For hmac and ed25519: what is signed, with {body}, {timestamp} and {id} in their places, such as {timestamp}.{body}."`
}

// Webhooks is what becomes of verified webhooks.
type Webhooks struct {
	ParkFor time.Duration `key:"park_for" validate:"gte=1s,lte=168h" doc:"How long a webhook of a payment that is not known yet is tried again before it is put aside as a dead letter."`
}

// defaultWebhook is the signature where nothing is said of it.
func defaultWebhook() Webhook {
	return Webhook{Scheme: "standard", SecretEncoding: "text", Encoding: "hex", Signed: "{body}"}
}

// Secrets are the live ones, the new one first.
func (w *Webhook) Secrets() []string { return given(w.Secret.Reveal(), w.OldSecret.Reveal()) }

// PublicKeys are the live ones, the new one first.
func (w *Webhook) PublicKeys() []string { return given(w.PublicKey, w.OldPublicKey) }

func given(all ...string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// webhook checks what the keys of a PSP's webhooks ask of each other.
func (d *decoder) webhook(path string, w *Webhook) {
	if w.OldSecret != "" && w.Secret == "" {
		d.fail(path+".old_secret", "is set without secret; want the new secret there")
	}
	if w.OldPublicKey != "" && w.PublicKey == "" {
		d.fail(path+".old_public_key", "is set without public_key; want the new key there")
	}
	generic := w.Scheme == "hmac" || w.Scheme == "ed25519"
	if generic && w.SignatureHeader == "" {
		d.fail(path+".signature_header", "is missing; want the name of the header that holds the signature")
	}
	if w.Scheme == "ed25519" && w.Secret != "" {
		d.fail(path+".secret", "is set, and the scheme ed25519 has none; want public_key")
	}
	if w.Scheme != "ed25519" && w.Scheme != "standard" && w.PublicKey != "" {
		d.fail(path+".public_key", "is set, and the scheme %s has none; want secret", w.Scheme)
	}
}

// moved are keys of earlier configurations, by their last part, and where they stand now, from the same place.
var moved = map[string]string{"webhook_secret": "webhook.secret", "old_webhook_secret": "webhook.old_secret",
	"webhook_secret_file": "webhook.secret_file", "old_webhook_secret_file": "webhook.old_secret_file"}
