package api_test

const integrationsPath = "/api/v4/integrations"
