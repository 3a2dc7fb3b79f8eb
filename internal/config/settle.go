package config

import (
	"os"
	"slices"
)

// What an installation of embedded parts alone is given, so that it serves without a configuration. Each is worth
// nothing elsewhere: the key is accepted by a server on this host, and the sandbox moves no money.
const (
	DevelopmentTenant        = "demo"
	DevelopmentKey           = "demo-key-for-development"
	developmentWebhookSecret = "whsec_ZGV2ZWxvcG1lbnQtc2VjcmV0LW9mLXNhbmRib3g="
	sandboxName              = "sandbox" // role and provider
)

// Partitions of topics where the configuration does not say.
const (
	embeddedPartitions = 4
	clusterPartitions  = 64
)

// Embedded tells whether nothing but embedded parts is used: no cluster, no database server.
func (c *Config) Embedded() bool { return len(c.Kafka.Brokers) == 0 && c.Database.URL == "" }

// Runs tells whether this process runs a role.
func (c *Config) Runs(role string) bool { return slices.Contains(c.Roles, role) }

// settle fills in what follows from other keys.
func (c *Config) settle() {
	if len(c.Roles) == 0 {
		c.Roles = []string{"risk", "velocity", "payments", "psp", "webhooks", "statements", "checkpoints", "api"}
		if c.Embedded() && len(c.PSP) == 0 {
			c.Roles = append(c.Roles, sandboxName)
		}
	}
	if c.Runs(sandboxName) && len(c.PSP) == 0 {
		c.settleSandbox()
	}
	if c.Embedded() && len(c.API.Keys) == 0 {
		c.API.Keys = []APIKey{{Name: "development", Tenant: DevelopmentTenant, Key: DevelopmentKey, Approver: true, PersonalData: true}}
	}
	c.settleLinks()
	if len(c.Payments.StatementDescriptors) == 0 {
		c.Payments.StatementDescriptors = nil // listed or not, there are none
	}
	if c.Payments.PSP == "" && len(c.PSP) == 1 {
		for name := range c.PSP {
			c.Payments.PSP = name
		}
	}
	if c.Kafka.Partitions == 0 {
		c.Kafka.Partitions = clusterPartitions
		if len(c.Kafka.Brokers) == 0 {
			c.Kafka.Partitions = embeddedPartitions
		}
	}
	if c.Stream.InstanceID == "" {
		c.Stream.InstanceID, _ = os.Hostname() // empty: a dynamic member, which is only slower to be replaced
	}
}

// settleSandbox makes the sandbox the only provider.
func (c *Config) settleSandbox() {
	if c.Sandbox.WebhookURL == "" {
		c.Sandbox.WebhookURL = "http://" + c.API.Listen + "/webhooks/" + sandboxName
	}
	if c.Sandbox.WebhookSecret == "" {
		c.Sandbox.WebhookSecret = developmentWebhookSecret
	}
	psp := DefaultPSP()
	psp.BaseURL = "http://" + c.Sandbox.Listen
	psp.Secret = c.Sandbox.APIKey
	psp.Webhook.Secret = c.Sandbox.WebhookSecret
	c.PSP = map[string]PSP{sandboxName: psp}
}
