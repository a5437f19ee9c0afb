keyless {
  organization_id = "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0011"

  platform "simulator" {
    organization = "organization.json"
  }
}
