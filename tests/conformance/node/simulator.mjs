// The controls of a running simulator.

export class Simulator {
  static async at(url) {
    const simulator = new Simulator();
    simulator.url = url;
    simulator.tokens = await simulator.control("tokens");
    return simulator;
  }

  async control(path, body) {
    const options = body ? { method: "POST", body: JSON.stringify(body) } : {};
    const answer = await fetch(`${this.url}/_simulator/${path}`, options);
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
    return answer.json();
  }

  async identityToken(provider, subject) {
    return (await this.control(`identity_providers/${provider}/token`, { subject })).token;
  }

  async exchanges() {
    return (await this.control("organization")).exchanges;
  }
}
