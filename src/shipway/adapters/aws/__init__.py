"""The only files that name boto3: ECR, ECS and its load balancers, secrets and logs."""
