package engine

import (
	"fmt"
	"maps"
	"slices"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/processors/psp/adyen"
	"github.com/weirhq/weir/processors/psp/generic"
	"github.com/weirhq/weir/processors/psp/stripe"
)

// adapters builds the adapter of each configured PSP.
func (e *Engine) adapters() ([]psp.Adapter, error) {
	var adapters []psp.Adapter
	for _, name := range slices.Sorted(maps.Keys(e.Config.PSP)) {
		p := e.Config.PSP[name]
		adapter, err := adapterOf(name, &p)
		if err != nil {
			return nil, fmt.Errorf("psp.%s: %w", name, err)
		}
		adapters = append(adapters, adapter)
	}
	return adapters, nil
}

func adapterOf(name string, p *config.PSP) (psp.Adapter, error) {
	switch p.Adapter {
	case "stripe":
		return stripe.New(stripe.Config{
			Name: name, BaseURL: p.BaseURL, Key: p.Secret.Reveal(), OverCapture: p.OverCapturePercent > 0, Timeout: p.Timeout, Connections: p.Concurrency,
		})
	case "adyen":
		return adyen.New(adyen.Config{
			Name: name, BaseURL: p.BaseURL, Key: p.Secret.Reveal(), MerchantAccount: p.MerchantAccount, Timeout: p.Timeout, Connections: p.Concurrency,
		})
	case "generic":
		definition, err := generic.Read(p.Definition)
		if err != nil {
			return nil, fmt.Errorf("definition: %w", err)
		}
		if p.OverCapturePercent > 0 && !definition.OverCapture {
			return nil, fmt.Errorf("over_capture_percent: is set, and no answer of %s says where the PSP tells what may be captured; want capturable in an answer to authorize, or 0", p.Definition)
		}
		return generic.New(generic.Config{
			Name: name, BaseURL: p.BaseURL, Secret: p.Secret.Reveal(), Definition: definition, Timeout: p.Timeout, Connections: p.Concurrency,
		})
	default: // sandbox: config knows no other
		return psp.NewSandbox(psp.SandboxConfig{
			Name: name, BaseURL: p.BaseURL, APIKey: p.Secret.Reveal(), OverCapture: p.OverCapturePercent > 0, Timeout: p.Timeout, Connections: p.Concurrency,
		})
	}
}
