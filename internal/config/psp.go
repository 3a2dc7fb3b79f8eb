package config

// psp checks what the keys of a provider ask of each other, and that its adapter has what it cannot do without.
func (d *decoder) psp(path string, p *PSP) {
	needs := map[string][]string{
		"sandbox": {"base_url"}, "stripe": {"secret"}, "adyen": {"base_url", "secret", "merchant_account"}, "generic": {"base_url", "definition"},
	}[p.Adapter]
	given := map[string]bool{
		"base_url": p.BaseURL != "", "secret": p.Secret != "", "merchant_account": p.MerchantAccount != "", "definition": p.Definition != "",
	}
	for _, key := range needs {
		if !given[key] {
			d.fail(path+"."+key, "is missing; the adapter %s needs it", p.Adapter)
		}
	}
	for key, adapter := range map[string]string{"merchant_account": "adyen", "definition": "generic"} {
		if given[key] && p.Adapter != adapter {
			d.fail(path+"."+key, "is set, and only the adapter %s reads it", adapter)
		}
	}
	if p.OverCapturePercent > 0 && p.Adapter == "adyen" {
		d.fail(path+".over_capture_percent", "is set, and Adyen does not tell how much more than is authorised a payment's capture may take; want 0")
	}
	if signs := p.Adapter; (signs == "stripe" || signs == "adyen") && p.Webhook.Secret != "" && p.Webhook.Scheme != signs {
		d.fail(path+".webhook.scheme", "is %s; the webhooks of the adapter %s are signed by the scheme %s", p.Webhook.Scheme, signs, signs)
	}
	d.webhook(path+".webhook", &p.Webhook)
}
