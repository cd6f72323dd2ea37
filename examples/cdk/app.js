// A REST API with keys and an HTTP API before one function. See docs/cloudformation.md.
const cdk = require("aws-cdk-lib");
const lambda = require("aws-cdk-lib/aws-lambda");
const apigateway = require("aws-cdk-lib/aws-apigateway");
const http = require("aws-cdk-lib/aws-apigatewayv2");
const { HttpLambdaIntegration } = require("aws-cdk-lib/aws-apigatewayv2-integrations");

class Pets extends cdk.Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const handler = new lambda.Function(this, "Handler", {
      runtime: lambda.Runtime.PYTHON_3_11,
      handler: "index.handler",
      code: lambda.Code.fromAsset("code"),
    });

    const api = new apigateway.LambdaRestApi(this, "Api", { handler, proxy: false, cloudWatchRole: false });
    api.root.addResource("pets").addMethod("GET", undefined, { apiKeyRequired: true });
    const plan = api.addUsagePlan("Plan", { throttle: { rateLimit: 10, burstLimit: 20 } });
    plan.addApiKey(api.addApiKey("Key", { value: "0123456789abcdefghij" }));
    plan.addApiStage({ stage: api.deploymentStage });

    const plain = new http.HttpApi(this, "Http");
    plain.addRoutes({
      path: "/pets",
      methods: [http.HttpMethod.GET],
      integration: new HttpLambdaIntegration("Pets", handler),
    });

    new cdk.CfnOutput(this, "RestId", { value: api.restApiId });
    new cdk.CfnOutput(this, "HttpId", { value: plain.apiId });
  }
}

new Pets(new cdk.App(), "Pets", { env: { account: "000000000000", region: "us-east-1" } });
